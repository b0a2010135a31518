"""What may differ between the config that a run began with and the one that it goes on with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tunesmith.config.changes import Change
from tunesmith.config.doors import READERS, is_taken, read_keys, with_learner
from tunesmith.config.free_keys import is_free, names_a_place

MAX_EPOCHS = "trainer.max_epochs"
# Methods of a callback that keeps a state in the checkpoint, which wins over what is typed.
_STATE_METHODS = ("state_dict", "on_save_checkpoint")
# Lightning's time-out keeps the time that has passed, and takes any new duration.
_TIMER = "Timer"
# The value of a schedule's argument that stands for the length of the run (tunesmith.training.schedules).
_TOTAL_STEPS = "total_steps"
_ENDLESS = -1
# What Lightning takes if max_epochs is null.
_DEFAULT_EPOCHS = 1000


def may_change(change: Change, old: DictConfig, new: DictConfig) -> bool:
    """Whether a run may go on with a change; a longer run is one, unless folds have ended (see why_not_longer)."""
    if change.key.startswith("callbacks."):
        name = change.key.split(".")[1]
        return not any(_keeps_state(_target(cfg, f"callbacks.{name}")) for cfg in (old, new))
    if change.key == MAX_EPOCHS:
        return _epochs(new) > _epochs(old)
    return is_free(change.key) or names_a_place(change.key)


def why_not_longer(cfg: DictConfig) -> str | None:
    """Return why a run cannot train more epochs than it began with; None if it can.

    A schedule that spans the whole run has spent its length, and its state comes back from the checkpoint.
    """
    if OmegaConf.select(cfg, "data.folds", default=None) is not None:
        return "with data.folds, folds that have ended are not trained further"
    cfg = with_learner(cfg)
    taken = read_keys(cfg, ("learner", "data", "callbacks"))
    raw = OmegaConf.to_container(cfg, resolve=False)
    assert isinstance(raw, dict)
    nodes = ["learner", *(name for name in raw if name not in READERS and is_taken(str(name), taken))]
    for key in (key for name in nodes for key in _keys_of_length(raw[name], str(name))):
        return f"{key} stands for the length of the run"
    if is_taken(MAX_EPOCHS, taken):
        return f"a value is read from it by ${{{MAX_EPOCHS}}}"
    return None


def _keeps_state(target: str | None) -> bool:
    """Whether a class keeps a state in checkpoints; one that cannot be looked at may."""
    if target is None:
        return False
    try:
        found = get_object(target)
    except Exception:  # whatever the import of a user's module raises
        return True
    bases = [base for base in getattr(found, "__mro__", ()) if base.__module__.partition(".")[0] != "builtins"]
    if any(base.__name__ == _TIMER for base in bases):
        return False
    own = [base for base in bases if base.__name__ != "Callback"]  # Lightning's keeps none
    return not own or any(name in vars(base) for base in own for name in _STATE_METHODS)


def _target(cfg: DictConfig, key: str) -> str | None:
    target = OmegaConf.select(cfg, f"{key}._target_", default=None)
    return None if target is None else str(target)


def _epochs(cfg: DictConfig) -> float:
    """Return the most epochs that a config trains; NaN if its value cannot be known."""
    try:
        value = OmegaConf.select(cfg, MAX_EPOCHS, default=None)
    except OmegaConfBaseException:
        return math.nan
    if value is None:
        return _DEFAULT_EPOCHS
    return math.inf if value == _ENDLESS else float(value)


def _keys_of_length(node: Any, key: str) -> Iterator[str]:
    """Yield the keys in a node, which lies at a key, whose value stands for the length of the run."""
    if node == _TOTAL_STEPS:
        yield key
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _keys_of_length(value, f"{key}.{name}")
