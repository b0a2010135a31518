"""Build data, learner, callbacks and trainer from a config; what they are built from is no DictConfig any more."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import ProgressBar
from lightning.pytorch.loggers import Logger
from lightning.pytorch.plugins.precision import DoublePrecision
from omegaconf import DictConfig

from tunesmith.errors import UserError
from tunesmith.reporting import Reporter
from tunesmith.training.callbacks.bar import BarAndLines
from tunesmith.training.callbacks.checkpoints import Checkpoints
from tunesmith.training.callbacks.epoch_logger import EpochLogger
from tunesmith.training.callbacks.epoch_record import EpochRecord
from tunesmith.training.callbacks.foreign_learner import ForeignLearner
from tunesmith.training.callbacks.hparams import Hparams
from tunesmith.training.callbacks.layer_probes import LayerProbes
from tunesmith.training.callbacks.plain_checkpoints import PlainCheckpoints
from tunesmith.training.callbacks.schedule_length import ScheduleLength
from tunesmith.training.callbacks.seeded_epochs import SeededEpochs
from tunesmith.training.callbacks.start_weights import StartWeights
from tunesmith.training.data_record import DataRecord, make_record
from tunesmith.training.ddp.devices import cluster_environment
from tunesmith.training.ddp.ranks import Ranks
from tunesmith.training.first_lines import make_first_lines
from tunesmith.training.first_validation import BY_TIME
from tunesmith.training.foreign_bar import log_above
from tunesmith.training.learner import Supervised
from tunesmith.training.learner_and_data import build_learner
from tunesmith.training.loggers import build_loggers, log_config, plain_config
from tunesmith.training.monitors import check_monitors
from tunesmith.training.nodes import build_node
from tunesmith.training.probes.build import build_probes
from tunesmith.training.record import RunRecord
from tunesmith.training.run_bar import make_bar
from tunesmith.training.run_hparams import shown_hparams
from tunesmith.training.saving import SAVE_INTERVAL_S

# Hides what they say of hardware, and tips; warnings still show.
for _name in ("lightning.pytorch", "lightning.fabric"):
    logging.getLogger(_name).setLevel(logging.WARNING)
# On a machine that has Slurm, Lightning advises to start every run by srun, a worker's trial too.
warnings.filterwarnings("ignore", message=r".*The `srun` command is available on your system but is not used.*")
# Workers of a study use the cores that Lightning would give to a loader.
warnings.filterwarnings("ignore", message=r".*does not have many workers which may be a bottleneck.*")
# A checkpoint of ours leaves such hyperparameters out.
warnings.filterwarnings(
    "ignore", message=r".*is an instance of `nn.Module` and is already saved during checkpointing.*"
)
# Lightning 2.6.6 calls what torch 2.13 has deprecated.
warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\).*")


@dataclass(frozen=True)
class Run:
    """What one training consists of.

    data: None if the learner brings its own loaders; foot: what holds the terminal's last line while it trains.
    """

    data: L.LightningDataModule | None
    module: L.LightningModule
    record: RunRecord
    trainer: L.Trainer
    foot: AbstractContextManager[Any]


def build(
    cfg: DictConfig, folder: Path, reporter: Reporter, fold: int | None = None, earlier: DataRecord | None = None
) -> Run:
    """Build a run that writes into a folder; fold: which of data.folds it trains on, from 0.

    earlier: of the run that this one goes on with.

    Raises:
        UserError: a value in the config is wrong, or the data are not those of the earlier run or of the study.
    """
    torch.set_num_threads(cfg.threads)
    L.seed_everything(cfg.seed, verbose=False)
    data, module = build_learner(cfg, fold, earlier)
    record = make_record(cfg, folder, reporter, data, module, fold)
    bar = make_bar(cfg, fold)
    own = {name: _build_callback(cfg, name) for name in cfg.get("callbacks") or {}}
    if type(module) is Supervised:  # a subclass may log more
        check_monitors(module.metric_names, record.objective.metric, own)
    theirs = [each for each in own.values() if bar is not None and isinstance(each, ProgressBar)]
    shown = [each for each in own.values() if bar is not None or not isinstance(each, ProgressBar)]
    about = make_first_lines(cfg, folder, data, fold)
    lines = EpochLogger(record, about) if bar is None or theirs else BarAndLines(record, about, bar)
    callbacks = [*_build_callbacks(cfg, record, module, shown_hparams(cfg, reporter, fold)), *shown, lines]
    loggers = build_loggers(cfg, folder)
    trainer = _build_trainer(
        cfg,
        default_root_dir=str(folder),
        callbacks=[*callbacks, *_build_last_callbacks(cfg, folder, record, data, loggers)],
        logger=loggers or False,
        enable_progress_bar=bool(theirs),
    )
    trainer.strategy.checkpoint_io = PlainCheckpoints()
    if isinstance(trainer.strategy.precision_plugin, DoublePrecision):
        module.double()  # Lightning 2.6.6 does it after it has read a checkpoint, whose weights lose digits
    if trainer.loggers:
        log_config(trainer.loggers, plain_config(cfg))
    foot = log_above(theirs[0]) if theirs else bar or nullcontext()
    return Run(data, module, record, trainer, foot)


def _build_callback(cfg: DictConfig, name: str) -> L.Callback:
    node = cfg.callbacks[name]
    callback = build_node(cfg, f"callbacks.{name}") if isinstance(node, DictConfig) else node
    if not isinstance(callback, L.Callback):
        got = f"'{callback}'" if isinstance(callback, str) else type(callback).__name__
        raise UserError(
            f"callbacks.{name} must be a node whose _target_ makes a lightning.pytorch.Callback; got {got}: "
            f"~callbacks.{name} leaves it out"
        )
    return callback


def _build_callbacks(
    cfg: DictConfig, record: RunRecord, module: L.LightningModule, hparams: Mapping[str, Any]
) -> list[L.Callback]:
    """Return only what this run needs: each callback makes a step 3 % slower."""
    callbacks: list[L.Callback] = [SeededEpochs(cfg.seed), EpochRecord(record)]
    if cfg.trainer.get("devices") != 1:
        callbacks.append(Ranks())
    if not isinstance(module, Supervised):
        callbacks.append(ForeignLearner())
    if type(module).configure_optimizers is not Supervised.configure_optimizers:
        callbacks.append(ScheduleLength())
    callbacks += start_weights(cfg)
    if hparams:
        callbacks.append(Hparams(hparams, record))
    return callbacks


def _build_last_callbacks(
    cfg: DictConfig, folder: Path, record: RunRecord, data: L.LightningDataModule | None, loggers: Sequence[Logger]
) -> list[L.Callback]:
    """Return what follows the callbacks of the config."""
    probes = build_probes(cfg, record, loggers)
    checkpoints = Checkpoints(folder, record, cfg.trainer.get("save_interval", SAVE_INTERVAL_S))
    return [checkpoints, *([] if probes is None else [LayerProbes(probes, data)])]


def start_weights(cfg: DictConfig) -> list[L.Callback]:
    """Return the callback that starts a run from the weights that the config names, if it names any."""
    return [] if cfg.get("weights") is None else [StartWeights(Path(cfg.weights))]


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
    if not hasattr(trainer, "val_check_interval"):
        trainer.val_check_interval = BY_TIME
    return trainer
