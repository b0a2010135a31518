"""One training: build it, fit it, write its result.yaml."""

from __future__ import annotations

import pickle
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from omegaconf import DictConfig

from tunesmith import run_folder
from tunesmith.errors import RunFailed, UserError
from tunesmith.reporting import Reporter
from tunesmith.training.build import build
from tunesmith.training.callbacks.epoch_record import EpochRecord
from tunesmith.training.ddp.processes import cleaned_up_ranks, is_follower
from tunesmith.training.memory import as_out_of_memory

Result = dict[str, Any]


def train_once(
    cfg: DictConfig, folder: Path, reporter: Reporter, checkpoint: Path | None = None, fold: int | None = None
) -> Result:
    """Train what the config describes and return what result.yaml holds; its state says how the training ended.

    checkpoint: to go on from; fold: of data.folds, from 0.

    Raises:
        UserError: a mistake in the config; nothing is recorded.
        KeyboardInterrupt: Ctrl-C; checkpoints/last.ckpt is left to go on from.
    """
    run = build(cfg, folder, reporter, fold)
    if checkpoint is not None:
        _check_checkpoint(checkpoint)
    try:
        with interruptible(run.trainer):
            run.trainer.fit(run.module, run.data, ckpt_path=checkpoint, weights_only=True)
    except UserError:
        raise
    except Exception as error:
        # a follower's memory is its own: it has to be seen as an error, not as an end that all ranks come to
        failure = error if is_follower() else as_out_of_memory(error) or error
        why = str(failure) if isinstance(failure, RunFailed) else f"{type(error).__name__}: {error}"
        write_result(cfg, folder, _outcome(run.record, "FAIL", why))
        if failure is error:
            raise
        raise failure from error
    if not is_follower():  # the file is empty: the config is in .hydra/
        (folder / TensorBoardLogger.NAME_HPARAMS_FILE).unlink(missing_ok=True)
    record = run.record
    reason = str(record.failure) if record.failure else "pruned" if record.is_stopped else None
    return write_result(cfg, folder, _outcome(record, record.state, reason))


def write_result(cfg: DictConfig, folder: Path, outcome: Result) -> Result:
    """Return what result.yaml holds, the outcome and what it came from; the first process writes it."""
    origin = {"seed": cfg.seed, "threads": cfg.threads, **run_folder.environment()}
    result = {"metric": cfg.objective.metric, "mode": cfg.objective.mode, **outcome, **origin}
    if not is_follower():
        run_folder.write_yaml(folder / run_folder.RESULT_FILE, result)
    return result


@contextmanager
def interruptible(trainer: L.Trainer) -> Iterator[None]:
    """Let Ctrl-C leave as KeyboardInterrupt: Lightning turns it into exit code 1 and ignores the next one.

    No other process of the trainer is left.
    """
    handler = signal.getsignal(signal.SIGINT)
    try:
        with cleaned_up_ranks(trainer):
            yield
    except SystemExit as left:
        if trainer.received_sigterm:
            raise SystemExit(128 + signal.SIGTERM) from None
        if isinstance(left.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGINT, handler)


def _outcome(record: EpochRecord, state: str, reason: str | None) -> Result:
    has_best = record.best.epoch > 0
    return {
        "value": record.best.value if has_best else None,
        "epoch": record.best.epoch if has_best else None,
        "epochs": record.epoch,
        "seconds": round(record.seconds, 3),
        "state": state,
        "reason": reason,
        "checkpoint": str(run_folder.BEST_CHECKPOINT) if has_best else None,
    }


def _check_checkpoint(path: Path) -> None:
    """Raise UserError for a file that is no checkpoint of ours."""
    try:
        torch.load(path, map_location="cpu", weights_only=True)["callbacks"]
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError, KeyError, TypeError):
        raise UserError(f"ckpt_path must be a checkpoint that a run wrote; got '{path}'") from None
