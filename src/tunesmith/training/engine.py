"""Which engine trains a config: Lightning's Trainer, or the lean one, which trains what is ours to the same numbers.

Nothing here builds a node. Neither torch nor Lightning is imported, unless the learner is a class of the user's own.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, Literal

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from tunesmith.config.changes import show_value
from tunesmith.config.doors import written_at
from tunesmith.config.renamed_targets import RENAMED
from tunesmith.config.selection import ABSENT, select
from tunesmith.errors import UserError
from tunesmith.reporting import is_trial
from tunesmith.rules import POSITIVE, is_integer
from tunesmith.training.lean_classes import LEAN_CLASSES
from tunesmith.training.own_learner import why_learner_needs_trainer

KEY = "trainer.engine"
AUTO: Final = "auto"
LEAN: Final = "lean"
LIGHTNING: Final = "lightning"

SUPERVISED = "tunesmith.training.learner.Supervised"
DATA_MODULE = "tunesmith.data.DataModule"
_TRAINERS = ("lightning.Trainer", "lightning.pytorch.Trainer", "lightning.pytorch.trainer.Trainer")
_EARLY_STOPPING = (
    "lightning.pytorch.callbacks.EarlyStopping",
    "lightning.pytorch.callbacks.early_stopping.EarlyStopping",
)
_PATIENCE_KEYS = (
    *("_target_", "monitor", "mode", "patience", "min_delta", "strict", "check_finite", "stopping_threshold"),
    *("divergence_threshold", "verbose", "log_rank_zero_only", "check_on_train_epoch_end"),
)
_NO_PROFILER = "tunesmith.training.profiler.NoProfiler"
_OPTIMIZERS, _SCHEDULES = "torch.optim.", ("torch.optim.lr_scheduler.", "tunesmith.training.recorded_rates.")
_OPTIMIZERS_OF_CLOSURES = ("LBFGS",)

# The Trainer's arguments that change neither numbers nor files, and our own keys of its node.
_ANY_VALUE = (
    *("_target_", "engine", "save_interval", "default_root_dir", "enable_progress_bar", "log_every_n_steps"),
    *("inference_mode", "use_distributed_sampler", "enable_autolog_hparams", "gradient_clip_algorithm"),
)
# The Trainer's arguments -> the values that the lean engine trains with; it does not know other arguments.
_VALUES: Mapping[str, tuple[Any, ...]] = {
    "accelerator": ("auto", "cpu", "gpu", "cuda"),
    "strategy": ("auto",),
    "devices": (1,),
    "num_nodes": (1,),
    "precision": ("32-true", "32", 32, None),
    "logger": (None,),
    "callbacks": (None,),
    "fast_dev_run": (False,),
    "min_epochs": (None,),
    "max_steps": (-1,),
    "min_steps": (None,),
    "max_time": (None,),
    "limit_train_batches": (None, 1.0),
    "limit_val_batches": (None, 1.0),
    "limit_test_batches": (None, 1.0),
    "limit_predict_batches": (None, 1.0),
    "overfit_batches": (0, 0.0),
    "val_check_interval": (None, 1.0),
    "check_val_every_n_epoch": (1,),
    "num_sanity_val_steps": (0, None),
    "enable_checkpointing": (True, None),
    "enable_model_summary": (False, None),
    "accumulate_grad_batches": (1,),
    "deterministic": (False, None),
    "benchmark": (None,),
    "profiler": (None,),
    "detect_anomaly": (False,),
    "barebones": (False,),
    "plugins": (None,),
    "sync_batchnorm": (False,),
    "reload_dataloaders_every_n_epochs": (0,),
    "model_registry": (None,),
}
# The Trainer's defaults that the lean engine does not train with.
_DEFAULTS: Mapping[str, Any] = {"devices": "auto", "max_epochs": None}


class NeedsTrainer(UserError):
    """Something that only a run shows needs Lightning's Trainer."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{KEY} must be {LIGHTNING}: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class Engine:
    """Which engine trains, and why a trial is not trained by the lean one, if nobody has asked for Lightning."""

    name: Literal["lean", "lightning"]
    reason: str | None = None


def choose_engine(cfg: DictConfig, is_of_sweep: bool | None = None) -> Engine:
    """Return the engine that trains a config: by trainer.engine=auto a plain run's is Lightning, a trial's is lean.

    is_of_sweep: whether the config is that of a trial; None: whether this code runs in one.

    Raises:
        UserError: trainer.engine=lean, and something in the config needs Lightning's Trainer.
    """
    asked = OmegaConf.select(cfg, KEY, default=AUTO)
    if asked == LIGHTNING or (asked == AUTO and not (is_trial() if is_of_sweep is None else is_of_sweep)):
        return Engine(LIGHTNING)
    reason = why_not_lean(cfg)
    if reason is None:
        return Engine(LEAN)
    if asked == LEAN:
        raise UserError(f"{KEY} must be auto or lightning: {reason}; got '{LEAN}'")
    return Engine(LIGHTNING, reason)


def with_lightning(cfg: DictConfig, needs: NeedsTrainer) -> DictConfig:
    """Return a config that Lightning trains, in place of one that the lean engine has turned out not to train.

    Raises:
        NeedsTrainer: trainer.engine=lean.
    """
    if OmegaConf.select(cfg, KEY, default=AUTO) == LEAN:
        raise needs
    changed = deepcopy(cfg)
    OmegaConf.update(changed, KEY, LIGHTNING, force_add=True)
    return changed


def describe_engine(cfg: DictConfig, is_of_sweep: bool) -> str | None:
    """Return a line if trainer.engine=auto has Lightning train a sweep's trial; raise as choose_engine does."""
    reason = choose_engine(cfg, is_of_sweep).reason
    return None if reason is None else f"engine {LIGHTNING}: {reason}"


def why_not_lean(cfg: DictConfig) -> str | None:
    """Return which key needs Lightning's Trainer; None if the lean engine trains the config to the same numbers."""
    return next(_reasons(cfg), None)


def _reasons(cfg: DictConfig) -> Iterator[str]:
    yield from _of_trainer(cfg)
    yield from _of_callbacks(cfg)
    if (target := _target(cfg, "data")) is None:
        yield "data=none, which leaves the data to the learner, needs Lightning's Trainer"
    elif LEAN_CLASSES.get(target) != LEAN_CLASSES[DATA_MODULE]:
        yield f"data._target_={target} is not {DATA_MODULE}"
    yield from _of_learner(cfg)
    yield from _of_loggers(cfg)
    yield from _of_hydra(cfg)


def _of_trainer(cfg: DictConfig) -> Iterator[str]:
    if (target := _target(cfg, "trainer")) not in _TRAINERS:
        yield f"trainer._target_={target} is not {_TRAINERS[0]}"
    for name in dict.fromkeys([*map(str, cfg.trainer), *_DEFAULTS]):
        value = select(cfg.trainer, name, f"trainer.{name}")
        value = _DEFAULTS[name] if value is ABSENT else value
        if not _trains_with(name, value):
            plain = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
            yield f"trainer.{name}={show_value(plain)} needs Lightning's Trainer"
    is_mac = (sys.platform, platform.machine()) == ("darwin", "arm64")
    accelerator = select(cfg.trainer, "accelerator", "trainer.accelerator")
    accelerator = "auto" if accelerator is ABSENT else accelerator
    if is_mac and accelerator in ("auto", "gpu"):
        yield f"trainer.accelerator={accelerator} takes this machine's mps, which needs Lightning's Trainer"


def _trains_with(name: str, value: Any) -> bool:
    """Whether the lean engine trains with a value of the Trainer's argument."""
    if name == "max_epochs":
        return is_integer(value) and value >= 1
    if name == "gradient_clip_val":
        return value is None or bool(POSITIVE.holds(value))
    if name == "profiler" and isinstance(value, DictConfig):
        return _target(value, "") == _NO_PROFILER
    return name in _ANY_VALUE or any(
        value == known and type(value) is type(known) for known in _VALUES.get(name, ())
    )  # 1 batch is not the share 1.0


def _of_callbacks(cfg: DictConfig) -> Iterator[str]:
    states: dict[tuple[Any, Any], str] = {}
    for name in map(str, cfg.get("callbacks") or ()):
        key = f"callbacks.{name}"
        if (target := _target(cfg, key)) not in _EARLY_STOPPING:
            yield f"{key}._target_={target} needs Lightning's Trainer"
            continue
        unknown = [f"{key}.{argument}" for argument in cfg.callbacks[name] if argument not in _PATIENCE_KEYS]
        yield from (f"{argument} needs Lightning's Trainer" for argument in unknown)
        if "monitor" not in cfg.callbacks[name]:
            yield f"{key} has no monitor, which Lightning refuses"
        state = select(cfg, f"{key}.monitor", f"{key}.monitor"), select(cfg, f"{key}.mode", f"{key}.mode")
        if (twin := states.setdefault(state, name)) != name:
            yield f"{key} follows what callbacks.{twin} follows, which Lightning refuses"


def _of_learner(cfg: DictConfig) -> Iterator[str]:
    above = "learner." if cfg.get("learner") else ""  # a config of version 0.1.0 has none
    target = _target(cfg, "learner") if above else SUPERVISED
    if above and not cfg.learner.get("_partial_"):
        yield f"learner._target_={target} is not called with the data, by _partial_: true"
    elif target != SUPERVISED and (reason := why_learner_needs_trainer(str(target))) is not None:
        yield f"learner._target_={target} {reason}"
    optimizer, scheduler = (_target(cfg, f"{above}{name}") for name in ("optimizer", "scheduler"))
    needs_closure = str(optimizer).rpartition(".")[2] in _OPTIMIZERS_OF_CLOSURES
    if not str(optimizer).startswith(_OPTIMIZERS) or needs_closure:
        yield f"{written_at(cfg, f'{above}optimizer._target_')}={optimizer} needs Lightning's Trainer"
    if scheduler is not None and not scheduler.startswith(_SCHEDULES):
        yield f"{written_at(cfg, f'{above}scheduler._target_')}={scheduler} needs Lightning's Trainer"


def _of_loggers(cfg: DictConfig) -> Iterator[str]:
    """A graph of the model is logged by a hook of Lightning's module."""
    nodes = cfg.get("logger")
    names = map(str, nodes if isinstance(nodes, DictConfig) else ())
    for key in ("logger", *(f"logger.{name}" for name in names)):
        if OmegaConf.select(cfg, f"{key}.log_graph", default=None) is True:
            yield f"{key}.log_graph=true needs Lightning's Trainer"


def _of_hydra(cfg: DictConfig) -> Iterator[str]:
    """Hydra's callbacks of the user's own see each job: what they look at may be Lightning's."""
    config: Any = cfg if "hydra" in cfg else HydraConfig.instance().cfg if is_trial() else None
    callbacks: Any = None if config is None else OmegaConf.select(config, "hydra.callbacks")
    for name in callbacks or ():
        if not str(_target(callbacks, name)).startswith("tunesmith."):
            yield f"hydra.callbacks.{name} is one of your own"


def _target(cfg: DictConfig, key: str) -> str | None:
    """Return today's name of the class that the node of a key names, None if there is no such node."""
    name = f"{key}._target_".lstrip(".")
    target = select(cfg, name, name)
    return None if target in (None, ABSENT) else RENAMED.get(str(target), str(target))
