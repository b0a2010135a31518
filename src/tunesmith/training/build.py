"""Build data, learner, callbacks and trainer from a config; what they are built from is no DictConfig any more."""

from __future__ import annotations

import logging
import math
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
from tunesmith.doors import with_learner
from tunesmith.errors import UserError
from tunesmith.objective import Objective
from tunesmith.reporting import Reporter, is_trial
from tunesmith.training.callbacks.checkpoints import Checkpoints
from tunesmith.training.callbacks.epoch_logger import EpochLogger
from tunesmith.training.callbacks.epoch_record import EpochRecord
from tunesmith.training.callbacks.foreign_learner import ForeignLearner
from tunesmith.training.callbacks.hparams import Hparams
from tunesmith.training.callbacks.plain_checkpoints import PlainCheckpoints
from tunesmith.training.callbacks.seeded_epochs import SeededEpochs
from tunesmith.training.callbacks.start_weights import StartWeights
from tunesmith.training.ddp.devices import cluster_environment
from tunesmith.training.ddp.ranks import Ranks
from tunesmith.training.learner import Supervised
from tunesmith.training.record import RunRecord
from tunesmith.training.renamed_targets import with_new_targets

for _name in (
    "lightning.pytorch",
    "lightning.fabric",
):  # hides what they say of hardware, and tips; warnings still show
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
    """What one training consists of; data: None if the learner brings its own loaders."""

    data: L.LightningDataModule | None
    module: L.LightningModule
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
    record = RunRecord(folder, Objective(cfg.objective.metric, cfg.objective.mode), reporter)
    has_bar = sys.stdout.isatty() and not is_trial()
    trainer = _build_trainer(
        cfg,
        default_root_dir=str(folder),
        callbacks=_build_callbacks(cfg, folder, record, data, module, has_bar),
        logger=build_logger(cfg, folder) or False,
        enable_progress_bar=has_bar,
    )
    trainer.strategy.checkpoint_io = PlainCheckpoints()
    return Run(data, module, record, trainer)


def _build_callbacks(
    cfg: DictConfig,
    folder: Path,
    record: RunRecord,
    data: L.LightningDataModule | None,
    module: L.LightningModule,
    has_bar: bool,
) -> list[L.Callback]:
    """Return only what this run needs: each callback makes a step 3 % slower."""
    callbacks: list[L.Callback] = [EpochRecord(record)]
    if cfg.trainer.get("devices") != 1:
        callbacks.append(Ranks(cfg.seed))
    if not isinstance(data, DataModule):
        callbacks.append(SeededEpochs(cfg.seed))
    if not isinstance(module, Supervised):
        callbacks.append(ForeignLearner(folder))
    callbacks += start_weights(cfg)
    if record.reporter.params:
        callbacks.append(Hparams(record.reporter.params, record))
    callbacks.append(RichProgressBar() if has_bar else EpochLogger(record.objective.metric))
    callbacks += [build_node(cfg, f"callbacks.{name}") for name in cfg.get("callbacks") or {}]
    return [*callbacks, Checkpoints(folder, record)]


def start_weights(cfg: DictConfig) -> list[L.Callback]:
    """Return the callback that starts a run from the weights that the config names, if it names any."""
    return [] if cfg.get("weights") is None else [StartWeights(Path(cfg.weights))]


def build_learner(cfg: DictConfig, fold: int | None = None) -> tuple[L.LightningDataModule | None, L.LightningModule]:
    """Build the data and the learner; a learner with `_partial_: true` is called with data=the data module.

    Raises:
        UserError: they do not fit each other, or are no LightningDataModule and LightningModule.
    """
    cfg = with_learner(cfg)
    data = build_node(cfg, "data", **({} if fold is None else {"fold": fold})) if cfg.get("data") else None
    if not isinstance(data, L.LightningDataModule | None):
        raise UserError(f"data._target_ must be a LightningDataModule; got {type(data).__qualname__}")
    module = build_node(cfg, "learner", **({"data": data} if cfg.learner.get("_partial_") else {}))
    if not isinstance(module, L.LightningModule):
        raise UserError(f"learner._target_ must be a LightningModule; got {type(module).__qualname__}")
    if isinstance(module, Supervised) and isinstance(data, DataModule):
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


def build_logger(cfg: DictConfig, folder: Path) -> Any:
    """Build the logger that writes into a folder, None if the config has no logger."""
    return build_node(cfg, "logger")(save_dir=str(folder)) if cfg.get("logger") else None


def build_node(cfg: DictConfig, key: str, **arguments: Any) -> Any:
    """Build the node of a key with plain lists and dicts; a partial node that is given arguments is called.

    Raises:
        UserError: a user's mistake; a bug keeps its own error.
    """
    node = OmegaConf.select(with_new_targets(cfg, key), key)
    try:
        built = instantiate(node, _convert_="all", **({} if _is_partial(node) else arguments))
        return built(**arguments) if _is_partial(node) and arguments else built
    except InstantiationException as error:
        raise _explain(cfg, key, error) from None
    except TypeError as error:
        if _is_misfit(error):
            raise UserError(f"{key}: {' '.join(str(error).split())}") from None
        raise


def _is_partial(node: Any) -> bool:
    return isinstance(node, DictConfig) and bool(node.get("_partial_"))


def _explain(cfg: DictConfig, key: str, error: InstantiationException) -> Exception:
    """Return a UserError that names the key whose node could not be built, or the error itself if it is a bug."""
    cause = error.__cause__
    if isinstance(cause, UserError):
        return cause
    node_key = _written_key(cfg, str(error).rpartition("full_key: ")[2].strip() or key)
    is_flag = node_key.partition(".")[0] in ("loss", "trainer") and isinstance(cause, TypeError | ValueError)
    if is_flag or isinstance(cause, MisconfigurationException) or _is_misfit(cause):
        return UserError(f"{node_key}: {' '.join(str(cause).split())}")
    if str(error).startswith("Error locating target"):
        return UserError(f"{node_key}._target_ must be the path of something importable; got {cause}")
    return error


def _written_key(cfg: DictConfig, key: str) -> str:
    """Return where a node is written down: `model` for learner.model, which is ${model}."""
    parent, _, name = key.rpartition(".")
    above = OmegaConf.select(cfg, parent) if parent else None
    if isinstance(above, DictConfig) and name in above and OmegaConf.is_interpolation(above, name):
        raw = OmegaConf.to_container(above, resolve=False)
        assert isinstance(raw, dict)
        return str(raw[name]).strip("${}")
    return key


def _is_misfit(error: BaseException | None) -> bool:
    """Tell arguments that a class does not take, or lacks, from any other TypeError."""
    text = str(error)
    return isinstance(error, TypeError) and (
        "unexpected keyword argument" in text or ("missing" in text and "required" in text)
    )


def _check_shapes(module: Supervised, data: DataModule) -> None:
    """Send two samples through the model, which also gives lazy layers their shapes before the optimizer is made.

    What comes out is checked unless a subclass has a step of its own.
    """
    samples = data.splits.train.inputs[:2]
    is_own_step = type(module).step is not Supervised.step
    module.eval()
    try:
        with torch.no_grad():
            got = tuple(module.model(samples).shape)
    except (RuntimeError, ValueError, IndexError) as error:
        reason = " ".join(str(error).splitlines()[0].split())
        raise UserError(f"model must take samples of shape {data.input_shape}; it does not: {reason}") from None
    finally:
        module.train()
    if is_own_step or got == (len(samples), data.output_size) or _fits(got, len(samples), module):
        return
    raise UserError(
        f"model must put out {data.output_size} numbers a sample, (batch, {data.output_size}); got {got} for "
        f"{len(samples)} samples"
    )


def _fits(got: tuple[int, ...], num_samples: int, module: Supervised) -> bool:
    """Whether outputs are (batch, classes, *target_shape) for classes, or as many numbers as a target has."""
    facts = module.facts
    if facts.has_classes:
        return got == (num_samples, facts.output_size, *facts.target_shape)
    return got[:1] == (num_samples,) and math.prod(got[1:]) == math.prod(facts.target_shape)
