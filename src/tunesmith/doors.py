"""What a learner takes of the config's other groups, and what is not part of its run; without torch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tunesmith.errors import UserError

# Groups and keys that act through the learner alone.
OF_THE_LEARNER = ("model", "optimizer", "scheduler", "loss", "metrics", "l1", "warmup_epochs")
# Nodes whose interpolations make a key of these groups part of a run.
READERS = ("learner", "data", "trainer", "callbacks", "logger")

# A config without a learner, as those of version 0.1.0 are.
SUPERVISED: dict[str, Any] = {
    "_target_": "tunesmith.training.learner.Supervised",
    "_partial_": True,
    "model": "${model}",
    "loss": "${loss}",
    "optimizer": "${optimizer}",
    "scheduler": "${oc.select:scheduler,null}",
    "metrics": "${oc.select:metrics,null}",
    "monitor": "${objective.metric}",
    "l1": "${l1}",
    "warmup_epochs": "${warmup_epochs}",
}

_INTERPOLATION = re.compile(r"\$\{([^{}]*)")
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_KEY = re.compile(r"[A-Za-z_][\w.]*")


def with_learner(cfg: DictConfig) -> DictConfig:
    """Return a copy of the config, with the learner that configs had before there was a choice if it has none.

    A copy in any case: building a node whose interpolations name other nodes resolves those in place.
    """
    completed = deepcopy(cfg)
    OmegaConf.set_readonly(completed, False)
    if not completed.get("learner"):
        OmegaConf.update(completed, "learner", SUPERVISED, force_add=True)
    return completed


def taken_keys(cfg: DictConfig) -> set[str]:
    """Return the keys of the learner's groups that a run reads: `model` if the whole group, or `optimizer.lr`."""
    if not cfg.get("learner"):
        return set(OF_THE_LEARNER)
    found: set[str] = set()
    unread = [key for node in READERS for key in _interpolated(cfg, node)]
    while unread:
        key = unread.pop()
        if key not in found:
            found.add(key)
            unread += _interpolated(cfg, key)
    return {key for key in found if key.partition(".")[0] in OF_THE_LEARNER}


def check_doors(cfg: DictConfig) -> None:
    """Raise UserError for a typed or swept key that the learner does not take, and for strategies that cannot resume.

    Nothing else would notice the key: the run would go on without it.
    """
    taken = taken_keys(cfg)
    for text in _typed(cfg):
        key = text.partition("=")[0].lstrip("+~").partition("@")[0]
        if key.partition(".")[0] in OF_THE_LEARNER and not is_taken(key, taken):
            raise UserError(
                f"{key} has no effect: learner={_name(cfg)} does not take it; got '{text}': leave it out, or let "
                f"the learner's node say ${{{key}}}"
            )
    if cfg.get("find_lr") and not is_taken("optimizer.lr", taken):
        raise UserError(f"find_lr must be false with learner={_name(cfg)}, which does not take optimizer.lr; got true")


def without_untaken(cfg: DictConfig) -> DictConfig:
    """Return the config without the groups that the run does not read: what loggers are told."""
    taken = taken_keys(cfg)
    read = {key.partition(".")[0] for key in taken}
    left_out = [key for key in OF_THE_LEARNER if key in cfg and key not in read]
    return OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key not in left_out])


def _typed(cfg: DictConfig) -> list[str]:
    """Return the overrides of the command line, and in a trial those of the sweep."""
    node = OmegaConf.select(cfg, "hydra.overrides.task", default=None)
    return [] if node is None else list(map(str, OmegaConf.to_container(node, resolve=False) or ()))


def is_taken(key: str, taken: set[str]) -> bool:
    """Whether a run reads a key of the learner's groups, or anything below it; taken: what taken_keys returns."""
    return any(key == one or key.startswith(f"{one}.") or one.startswith(f"{key}.") for one in taken)


def _name(cfg: DictConfig) -> str:
    """Return the choice of the learner, or its class if the config came without choices."""
    choice = OmegaConf.select(cfg, "hydra.runtime.choices.learner", default=None)
    return str(choice or cfg.learner.get("_target_"))


def _interpolated(cfg: DictConfig, key: str) -> Iterator[str]:
    """Yield every key that the texts of a node name inside ${...}, resolvers' arguments included."""
    parent, _, name = key.rpartition(".")
    try:
        above = OmegaConf.select(cfg, parent, default=None) if parent else cfg
    except OmegaConfBaseException:
        return
    if not isinstance(above, DictConfig) or name not in above:
        return
    raw = OmegaConf.to_container(above, resolve=False)
    assert isinstance(raw, dict)
    for text in _texts(raw[name]):
        for inside in _INTERPOLATION.findall(text):
            dotted = _BRACKETS.sub(r".\1", inside)  # optimizer[lr] is optimizer.lr
            yield from (found.rstrip(".") for found in _KEY.findall(dotted))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
