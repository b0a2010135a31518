"""One training: build it, run it, write its result.yaml."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import lightning as L
from lightning.pytorch.loggers import TensorBoardLogger
from omegaconf import DictConfig

from tunesmith.errors import RunFailed, UserError, text_of
from tunesmith.machine_faults import find_machine_fault
from tunesmith.reporting import Reporter
from tunesmith.training.batch_size import check_batch_size
from tunesmith.training.build import build
from tunesmith.training.complaints import explain
from tunesmith.training.data_record import DataRecord, read_data_record
from tunesmith.training.ddp.processes import cleaned_up_ranks, is_rank_zero
from tunesmith.training.loggers import closed_loggers
from tunesmith.training.memory import as_out_of_memory
from tunesmith.training.result import Result, write_result


def train_once(
    cfg: DictConfig,
    folder: Path,
    reporter: Reporter,
    checkpoint: Path | None = None,
    fold: int | None = None,
    of_other_fold: Path | None = None,
) -> Result:
    """Train once and return the content of result.yaml; its state says how the training ended.

    checkpoint: of an earlier attempt, which the training continues; fold: which of data.folds to train on, from 0.
    of_other_fold: a checkpoint of an earlier attempt at another fold, whose data these must be.

    Raises:
        UserError: a mistake in the config, or other data; nothing is recorded.
        KeyboardInterrupt: Ctrl-C; the run can be resumed from checkpoints/last.ckpt.
    """
    run = build(cfg, folder, reporter, fold, _read_earlier(checkpoint, of_other_fold))
    check_batch_size(run.data, reporter)
    try:
        with closed_loggers(run.trainer.loggers), interruptible(run.trainer):
            run.trainer.fit(run.module, run.data, ckpt_path=checkpoint, weights_only=True)
    except UserError:
        raise
    except Exception as error:
        if (fault := find_machine_fault(error, folder)) is not None:
            raise fault from None
        if (mistake := explain(error, cfg.objective.metric, checkpoint)) is not None:
            raise mistake from None
        # Another rank keeps its own error: a RunFailed would count as one that all ranks raise, and not be printed.
        failure = (as_out_of_memory(error) or error) if is_rank_zero() else error
        run.record.fail(str(failure) if isinstance(failure, RunFailed) else f"{type(error).__name__}: {text_of(error)}")
        write_result(cfg, folder, run.record.result_fields(), run.record.data_digest)
        if failure is error:
            raise
        raise failure from error
    if run.record.epoch == 0:
        raise UserError(
            "trainer must let an epoch end with a validation, or train without a validation part; got a run that "
            f"ended after {run.trainer.global_step} steps without one: give more steps, or trainer.limit_train_batches"
        )
    if is_rank_zero():  # TensorBoardLogger leaves this file empty: the config is in .hydra/
        (folder / TensorBoardLogger.NAME_HPARAMS_FILE).unlink(missing_ok=True)
    return write_result(cfg, folder, run.record.result_fields(), run.record.data_digest)


def _read_earlier(checkpoint: Path | None, of_other_fold: Path | None) -> DataRecord | None:
    if checkpoint is not None:
        return read_data_record("ckpt_path", checkpoint)
    if of_other_fold is not None:
        return replace(read_data_record("ckpt_path", of_other_fold), is_of_other_fold=True)
    return None


@contextmanager
def interruptible(trainer: L.Trainer) -> Iterator[None]:
    """Raise KeyboardInterrupt at Ctrl-C, and leave no other rank's process behind.

    Lightning itself exits with code 1 at Ctrl-C, and ignores the next one.
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
        if threading.current_thread() is threading.main_thread():  # another thread has no handler to restore
            signal.signal(signal.SIGINT, handler)
