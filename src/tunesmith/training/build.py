"""Config -> data, module, callbacks, trainer: DictConfig ends here."""

from __future__ import annotations

import logging
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import RichProgressBar
from omegaconf import DictConfig, OmegaConf

from tunesmith.data import DataModule
from tunesmith.errors import UserError
from tunesmith.objective import Objective
from tunesmith.reporting import Reporter, is_trial
from tunesmith.training.callbacks.checkpoints import Checkpoints
from tunesmith.training.callbacks.epoch_logger import EpochLogger
from tunesmith.training.callbacks.epoch_record import EpochRecord
from tunesmith.training.callbacks.hparams import Hparams
from tunesmith.training.ddp.devices import cluster_environment
from tunesmith.training.ddp.ranks import Ranks
from tunesmith.training.learner import Supervised

for _name in ("lightning.pytorch", "lightning.fabric"):  # hardware and tips; their warnings still show
    logging.getLogger(_name).setLevel(logging.WARNING)
# On a machine that has Slurm it advises to start everything by srun, a worker's trial as well.
warnings.filterwarnings("ignore", message=r".*The `srun` command is available on your system but is not used.*")
# Lightning 2.6.6 asks torch 2.13 in a way that torch has deprecated; nothing of ours can change that.
warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\).*")


@dataclass(frozen=True)
class Run:
    """Everything that a training needs, built."""

    data: DataModule
    module: Supervised
    record: EpochRecord
    trainer: L.Trainer


def build(cfg: DictConfig, folder: Path, reporter: Reporter, fold: int | None = None) -> Run:
    """Build a run that leaves its records in a folder; fold: of data.folds, from 0.

    Raises:
        UserError: a value that a user can mend.
    """
    torch.set_num_threads(cfg.threads)
    L.seed_everything(cfg.seed, verbose=False)
    data, module = build_learner(cfg, fold)
    record = EpochRecord(folder, module.objective, reporter)
    callbacks: list[L.Callback] = [record]
    if cfg.trainer.get("devices") != 1:  # a callback more costs a step 3 %
        callbacks.append(Ranks(cfg.seed))
    if reporter.params:
        callbacks.append(Hparams(reporter.params, record))
    has_bar = sys.stdout.isatty() and not is_trial()
    callbacks.append(RichProgressBar() if has_bar else EpochLogger())
    callbacks += [build_node(cfg, f"callbacks.{name}") for name in cfg.get("callbacks") or {}]
    trainer = _build_trainer(
        cfg,
        default_root_dir=str(folder),
        callbacks=[*callbacks, Checkpoints(folder, record)],
        logger=build_logger(cfg, folder) or False,
        enable_progress_bar=has_bar,
    )
    return Run(data, module, record, trainer)


def build_learner(cfg: DictConfig, fold: int | None = None) -> tuple[DataModule, Supervised]:
    """Build the data and the module that learns from it; raises UserError where they do not fit each other."""
    data = build_node(cfg, "data", **({} if fold is None else {"fold": fold}))
    module = Supervised(
        model=build_node(cfg, "model")(input_shape=data.input_shape, output_size=data.output_size),
        loss=build_node(cfg, "loss"),
        optimizer=build_node(cfg, "optimizer"),
        scheduler=build_node(cfg, "scheduler") if cfg.get("scheduler") else None,
        objective=Objective(cfg.objective.metric, cfg.objective.mode),
        has_classes=data.has_classes,
        class_weights=data.class_weights,
        target_scale=data.splits.target_scale,
        l1=cfg.l1,
        warmup_epochs=cfg.warmup_epochs,
    )
    _check_shapes(module, data)
    return data, module


def build_quiet_trainer(cfg: DictConfig, folder: Path, **flags: Any) -> L.Trainer:
    """Build the config's trainer without records, callbacks and progress bar."""
    quiet = {"logger": False, "callbacks": [], "enable_checkpointing": False, "enable_progress_bar": False}
    return _build_trainer(cfg, default_root_dir=str(folder), **{**quiet, **flags})


def _build_trainer(cfg: DictConfig, **flags: Any) -> L.Trainer:
    environment = cluster_environment()
    if environment is not None and not cfg.trainer.get("plugins"):
        flags["plugins"] = [environment]
    trainer = build_node(cfg, "trainer", **flags)
    assert isinstance(trainer, L.Trainer)
    return trainer


def build_logger(cfg: DictConfig, folder: Path) -> Any:
    """Build the logger of a folder, None where there is none."""
    return build_node(cfg, "logger")(save_dir=str(folder)) if cfg.get("logger") else None


def build_node(cfg: DictConfig, key: str, **arguments: Any) -> Any:
    """Build a node; what a user can mend comes out as UserError, a bug as it was raised."""
    try:
        return instantiate(OmegaConf.select(cfg, key), **arguments)
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, UserError):
            raise cause from None
        is_flag = key in ("loss", "trainer") and isinstance(cause, TypeError | ValueError)
        if is_flag or isinstance(cause, MisconfigurationException):
            raise UserError(f"{key}: {' '.join(str(cause).split())}") from None
        if str(error).startswith("Error locating target"):
            raise UserError(f"{key}._target_ must be the path of something importable; got {cause}") from None
        raise


def _check_shapes(module: Supervised, data: DataModule) -> None:
    """Send two samples through the model; this also shapes lazy layers before the optimizer wants their parameters."""
    samples = data.splits.train.inputs[:2]
    module.eval()
    try:
        with torch.no_grad():
            got = tuple(module.model(samples).shape)
    except (RuntimeError, ValueError, IndexError) as error:
        reason = " ".join(str(error).splitlines()[0].split())
        raise UserError(f"model must take samples of shape {data.input_shape}; it does not: {reason}") from None
    module.train()
    if got != (len(samples), data.output_size):
        raise UserError(
            f"model must put out {data.output_size} numbers a sample, (batch, {data.output_size}); got {got} for "
            f"{len(samples)} samples"
        )
