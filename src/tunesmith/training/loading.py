"""Import what trains, once in a process and before its first trial."""

from __future__ import annotations

import gc
from functools import cache
from importlib import import_module

from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tunesmith.errors import UserError
from tunesmith.reporting import is_trial
from tunesmith.run_folder import environment
from tunesmith.training.engine import LEAN, choose_engine

_LEAN, _LIGHTNING = "tunesmith.training.lean.fit", "tunesmith.training.fit"


def load_training(config: DictConfig | None = None) -> None:
    """Import what trains a config, of a run or the one that a sweep begins with; None: what any config may need."""
    load("tunesmith.training.run")
    load(_LIGHTNING if config is None else _engine_of(config))


def linear_metrics(config: DictConfig) -> dict[str, float]:
    """Return a linear model's validation metrics, as linear_baseline.py does, which is imported now: it needs torch."""
    load("tunesmith.training.linear_baseline")
    from tunesmith.training.linear_baseline import linear_metrics

    return linear_metrics(config)


@cache
def load(module: str) -> None:
    """Import a module; its objects stay, so no garbage collection looks through them: 1.5 s of each run with Lightning.

    What earlier trials have left behind is collected before: it would stay, too.
    """
    environment()  # the versions and the git state of the code that is loaded here
    if gc.get_freeze_count():
        gc.collect()
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        import_module(module)
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def _engine_of(config: DictConfig) -> str:
    """Return the module of the engine; of the one that is sooner loaded if the config is not complete, or wrong.

    What is swept may be missing, and what is wrong is said by the run.
    """
    is_of_sweep = is_trial() or OmegaConf.select(config, "hydra.mode") == RunMode.MULTIRUN
    try:
        return _LEAN if choose_engine(config, is_of_sweep).name == LEAN else _LIGHTNING
    except (OmegaConfBaseException, UserError):
        return _LEAN
