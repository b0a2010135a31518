"""Build data, learner, callbacks and trainer from a config; what they are built from is no DictConfig any more."""

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
from tunesmith.training.loggers import build_loggers, log_config, plain_config
from tunesmith.training.record import RunRecord
from tunesmith.training.renamed_targets import with_new_targets

for _name in (
    "lightning.pytorch",
    "lightning.fabric",
):  # hides what they say of hardware, and tips; warnings still show
    logging.getLogger(_name).setLevel(logging.WARNING)
# On a machine that has Slurm, Lightning advises to start every run by srun, a worker's trial too.
warnings.filterwarnings("ignore", message=r".*The `srun` command is available on your system but is not used.*")
# Lightning 2.6.6 calls what torch 2.13 has deprecated.
warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\).*")


@dataclass(frozen=True)
class Run:
    """What one training consists of."""

    data: DataModule
    module: Supervised
    record: RunRecord
    trainer: L.Trainer


def build(cfg: DictConfig, folder: Path, reporter: Reporter, fold: int | None = None) -> Run:
    """Build a run that writes into a folder; fold: which of data.folds it trains on, from 0.

    Raises:
        UserError: a value in the config is wrong.
    """
    torch.set_num_threads(cfg.threads)
    L.seed_everything(cfg.seed, verbose=False)
    data, module = build_learner(cfg, fold)
    record = RunRecord(folder, module.objective, reporter)
    callbacks: list[L.Callback] = [EpochRecord(record)]
    if cfg.trainer.get("devices") != 1:  # each callback makes a step 3 % slower
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
        logger=build_loggers(cfg, folder) or False,
        enable_progress_bar=has_bar,
    )
    if trainer.loggers:
        log_config(trainer.loggers, plain_config(cfg))
    return Run(data, module, record, trainer)


def build_learner(cfg: DictConfig, fold: int | None = None) -> tuple[DataModule, Supervised]:
    """Build the data and the learner; raises UserError if they do not fit each other."""
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
    """Build the config's trainer without logger, checkpoints, callbacks and progress bar."""
    quiet = {"logger": False, "callbacks": [], "enable_checkpointing": False, "enable_progress_bar": False}
    return _build_trainer(cfg, default_root_dir=str(folder), **{**quiet, **flags})


def _build_trainer(cfg: DictConfig, **flags: Any) -> L.Trainer:
    environment = cluster_environment()
    if environment is not None and not cfg.trainer.get("plugins"):
        flags["plugins"] = [environment]
    trainer = build_node(cfg, "trainer", **flags)
    assert isinstance(trainer, L.Trainer)
    return trainer


def build_node(cfg: DictConfig, key: str, **arguments: Any) -> Any:
    """Build the node of a key; raises UserError for a user's mistake, and a bug's own error."""
    try:
        return instantiate(OmegaConf.select(with_new_targets(cfg, key), key), **arguments)
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
    """Send two samples through the model, which also gives lazy layers their shapes before the optimizer is made."""
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
