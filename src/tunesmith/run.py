"""One run: build everything from the config, train, record; and evaluate what a run left."""

from __future__ import annotations

import logging
import os
import pickle
import shlex
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import RichProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from omegaconf import DictConfig, OmegaConf
from optuna import TrialPruned

from tunesmith import history
from tunesmith.callbacks.checkpoints import Checkpoints
from tunesmith.callbacks.epoch_lines import EpochLines
from tunesmith.callbacks.epoch_record import EpochRecord
from tunesmith.callbacks.hparams import Hparams
from tunesmith.data import DataModule
from tunesmith.errors import UserError
from tunesmith.lightning_module import LightningModule
from tunesmith.objective import Objective
from tunesmith.search.handoff import Reporter, current_reporter, is_trial

log = logging.getLogger(__name__)

for _name in ("lightning.pytorch", "lightning.fabric"):  # hardware and tips; their warnings still show
    logging.getLogger(_name).setLevel(logging.WARNING)
# Lightning 2.6.6 asks torch 2.13 in a way that torch has deprecated; nothing of ours can change that.
warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\).*")


@dataclass(frozen=True)
class Run:
    """Everything that a training needs, built."""

    data: DataModule
    module: LightningModule
    record: EpochRecord
    trainer: L.Trainer
    checkpoint: Path | None


def train(cfg: DictConfig) -> float:
    """Train what the config describes, in the folder that Hydra gives.

    Returns: the best value of the objective over the run's epochs.

    Raises:
        optuna.TrialPruned: the reporter stopped the run.
        RunFailed: the objective became NaN or infinite.
        KeyboardInterrupt: Ctrl-C; checkpoints/last.ckpt is left to go on from.
    """
    folder = Path(HydraConfig.get().runtime.output_dir)
    run = _build(cfg, folder, current_reporter())
    try:
        with _interruptible(run.trainer):
            run.trainer.fit(run.module, run.data, ckpt_path=run.checkpoint, weights_only=True)
    except UserError:
        raise
    except (KeyboardInterrupt, SystemExit):
        if not is_trial():
            _show_how_to_resume(folder)
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        history.write_yaml(folder / history.RESULT_FILE, _result(cfg, run.record, "FAIL", reason))
        raise
    return _finish(cfg, run.record, folder)


def evaluate(folder: Path) -> dict[str, float]:
    """Evaluate a run's best checkpoint on the test part; write and return test.yaml.

    Raises:
        UserError: the folder is none that a run left.
    """
    config_file, checkpoint = folder / ".hydra" / "config.yaml", folder / history.BEST_CHECKPOINT
    for path in (config_file, checkpoint):
        if not path.is_file():
            raise UserError(f"folder must be one that a run left; got {folder} ({path.relative_to(folder)} is missing)")
    cfg = OmegaConf.load(config_file)
    assert isinstance(cfg, DictConfig)
    torch.set_num_threads(cfg.threads)
    data, module = _build_learner(cfg)
    module.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"])
    quiet = {"logger": False, "callbacks": [], "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = _instantiate(cfg, "trainer", default_root_dir=str(folder), devices=1, **quiet)
    with _interruptible(trainer):
        (tested,) = trainer.test(module, data, verbose=False)
    metrics = {name: float(str(np.float32(value))) for name, value in tested.items()}  # as few digits as it has
    history.write_yaml(folder / history.TEST_FILE, {**metrics, "samples": len(data.test_part)})
    return metrics


def _build(cfg: DictConfig, folder: Path, reporter: Reporter) -> Run:
    torch.set_num_threads(cfg.threads)
    L.seed_everything(cfg.seed, verbose=False)
    data, module = _build_learner(cfg)
    record = EpochRecord(folder, module.objective, reporter)
    callbacks: list[L.Callback] = [record]
    if reporter.params:
        callbacks.append(Hparams(reporter.params, record))
    has_bar = sys.stdout.isatty() and not is_trial()
    callbacks.append(RichProgressBar() if has_bar else EpochLines())
    callbacks += [_instantiate(cfg, f"callbacks.{name}") for name in cfg.get("callbacks") or {}]
    trainer = _instantiate(
        cfg,
        "trainer",
        default_root_dir=str(folder),
        callbacks=[*callbacks, Checkpoints(folder, record)],
        logger=_instantiate(cfg, "logger")(save_dir=str(folder)) if cfg.get("logger") else False,
        enable_progress_bar=has_bar,
    )
    return Run(data, module, record, trainer, _checkpoint_to_resume(cfg, folder, reporter))


def _build_learner(cfg: DictConfig) -> tuple[DataModule, LightningModule]:
    data = _instantiate(cfg, "data")
    module = LightningModule(
        model=_instantiate(cfg, "model")(input_shape=data.input_shape, output_size=data.output_size),
        loss=_instantiate(cfg, "loss"),
        optimizer=_instantiate(cfg, "optimizer"),
        scheduler=_instantiate(cfg, "scheduler") if cfg.get("scheduler") else None,
        objective=Objective(cfg.objective.metric, cfg.objective.mode),
        has_classes=data.has_classes,
    )
    return data, module


def _instantiate(cfg: DictConfig, key: str, **arguments: Any) -> Any:
    """Build a node; what a user can mend comes out as UserError, a bug as it was raised."""
    try:
        return instantiate(OmegaConf.select(cfg, key), **arguments)
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, UserError):
            raise cause from None
        is_flag = key == "trainer" and isinstance(cause, TypeError | ValueError)
        if is_flag or isinstance(cause, MisconfigurationException):
            raise UserError(f"{key}: {' '.join(str(cause).split())}") from None
        if str(error).startswith("Error locating target"):
            raise UserError(f"{key}._target_ must be the path of something importable; got {cause}") from None
        raise


def _checkpoint_to_resume(cfg: DictConfig, folder: Path, reporter: Reporter) -> Path | None:
    if cfg.ckpt_path is None:
        last = folder / history.LAST_CHECKPOINT
        return last if reporter.is_retry and last.exists() else None
    try:
        torch.load(cfg.ckpt_path, map_location="cpu", weights_only=True)["callbacks"]
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError, KeyError, TypeError):
        raise UserError(f"ckpt_path must be a checkpoint that a run wrote; got '{cfg.ckpt_path}'") from None
    return Path(cfg.ckpt_path)


@contextmanager
def _interruptible(trainer: L.Trainer) -> Iterator[None]:
    """Let Ctrl-C leave as KeyboardInterrupt: Lightning turns it into exit code 1 and ignores the next one."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as left:
        if trainer.received_sigterm:
            raise SystemExit(128 + signal.SIGTERM) from None
        if isinstance(left.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGINT, handler)


def _finish(cfg: DictConfig, record: EpochRecord, folder: Path) -> float:
    reason = str(record.failure) if record.failure else "pruned" if record.is_stopped else None
    result = _result(cfg, record, record.state, reason)
    history.write_yaml(folder / history.RESULT_FILE, result)
    (folder / TensorBoardLogger.NAME_HPARAMS_FILE).unlink(missing_ok=True)  # empty: the config is in .hydra/
    if not is_trial():
        _show(result, record, folder)
    if record.failure:
        raise record.failure
    if record.is_stopped:
        raise TrialPruned(f"pruned at epoch {record.epoch}")
    return record.best.value


def _result(cfg: DictConfig, record: EpochRecord, state: str, reason: str | None) -> dict[str, Any]:
    has_best = record.best.epoch > 0
    return {
        "metric": record.objective.metric,
        "mode": record.objective.mode,
        "value": record.best.value if has_best else None,
        "epoch": record.best.epoch if has_best else None,
        "epochs": record.epoch,
        "seconds": round(record.seconds, 3),
        "state": state,
        "reason": reason,
        "checkpoint": str(history.BEST_CHECKPOINT) if has_best else None,
        "seed": cfg.seed,
        "threads": cfg.threads,
        **history.environment(),
    }


def _show_how_to_resume(folder: Path) -> None:
    last = folder / history.LAST_CHECKPOINT
    if last.exists():
        typed = [text for text in sys.argv if not text.startswith(("ckpt_path=", "hydra.run.dir="))]
        command = shlex.join(["python", *typed, f"ckpt_path={os.path.relpath(last)}"])
        print(f"interrupted; resume it with: {command}", flush=True)


def _show(result: dict[str, Any], record: EpochRecord, folder: Path) -> None:
    """Print what came out of a plain run and where it lies."""
    where = os.path.relpath(folder)
    rows = [("best epoch", f"{result['epoch']} of {result['epochs']} run, {result['seconds']:.1f} s")]
    for row in history.read_metrics(folder):
        if row["epoch"] == str(result["epoch"]):
            rows.append(
                (
                    "its metrics",
                    "  ".join(f"{name} {float(row[name]):.4g}" for name in row if name != "epoch"),
                )
            )
    rows.append(("files", f"{where}/  result.yaml, metrics.csv, checkpoints/best.ckpt"))
    rows.append(("test it", f"python scripts/evaluate.py {where}"))
    print(*(f"{label:<12} {text}" for label, text in rows), sep="\n", flush=True)
