"""What a learner takes of the config's other groups, and what is not part of its run; without torch."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

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
# A damaged config may name longer and longer keys for ever: model: ${model.units}.
_MOST_KEYS = 1000
_WHOLE_INTERPOLATION = re.compile(rf"\$\{{({_KEY.pattern})\}}")


def with_learner(cfg: DictConfig) -> DictConfig:
    """Return a copy of the config, with the learner that configs had before there was a choice if it has none.

    A copy in any case: building a node whose interpolations name other nodes resolves those in place.
    """
    completed = deepcopy(cfg)
    OmegaConf.set_readonly(completed, False)
    if not completed.get("learner"):
        OmegaConf.update(completed, "learner", SUPERVISED, force_add=True)
    return completed


def taken_keys(cfg: DictConfig | Mapping[str, Any]) -> set[str]:
    """Return the keys of the learner's groups that a run reads: `model` if the whole group, or `optimizer.lr`.

    cfg: composed; as plain values it has its interpolations as they are written.
    """
    if not cfg.get("learner"):
        return set(OF_THE_LEARNER)
    return {key for key in read_keys(cfg, READERS) if key.partition(".")[0] in OF_THE_LEARNER}


def read_keys(cfg: DictConfig | Mapping[str, Any], nodes: Sequence[str]) -> set[str]:
    """Return the keys that nodes name inside ${...}, and those that are named by what is at these keys."""
    # Once: of the whole config it takes 1 ms.
    raw = OmegaConf.to_container(cfg, resolve=False) if isinstance(cfg, DictConfig) else cfg
    found: set[str] = set()
    unread = [key for node in nodes for key in _keys_inside(raw, node)]
    while unread and len(found) < _MOST_KEYS:
        key = unread.pop()
        if key not in found:
            found.add(key)
            unread += _keys_inside(raw, key)
    return found


def check_doors(cfg: DictConfig) -> None:
    """Raise UserError for a typed or swept key that the learner does not take: the run would go on without it."""
    taken = taken_keys(cfg)
    for text in typed_overrides(cfg):
        key = text.partition("=")[0].lstrip("+~").partition("@")[0]
        if key.partition(".")[0] in OF_THE_LEARNER and not is_taken(key, taken):
            _check_space(cfg, key)
            raise UserError(
                f"{key} has no effect: learner={_name(cfg)} does not take it; got '{text}': leave it out, or let "
                f"the learner's file in conf/learner/ say ${{{key}}}"
            )
    if cfg.get("find_lr") and not is_taken("optimizer.lr", taken):
        raise UserError(f"find_lr must be false with learner={_name(cfg)}, which does not take optimizer.lr; got true")


def _check_space(cfg: DictConfig, key: str) -> None:
    """Raise UserError if nobody typed a sweep's key: the space of the default learner varies it; learners are swept."""
    is_sweep = OmegaConf.select(cfg, "hydra.mode", default=None) == RunMode.MULTIRUN
    if is_sweep and not any(text.lstrip("+~").startswith(key) for text in sys.argv[1:]):
        raise UserError(
            f"{key} is varied by the space of another learner, and learner={_name(cfg)} does not take it: add "
            "space=none, so that only typed keys vary, or space=NAME of a file in conf/space that fits"
        )


def typed_overrides(cfg: DictConfig) -> list[str]:
    """Return the overrides of the command line, and in a trial those of the sweep, as they were typed."""
    node = OmegaConf.select(cfg, "hydra.overrides.task", default=None)
    return [] if node is None else list(map(str, OmegaConf.to_container(node, resolve=False) or ()))


def untaken_groups(cfg: DictConfig) -> set[str]:
    """Return the learner's groups of which the run reads nothing: loggers are not told of them."""
    taken = taken_keys(cfg)
    return {group for group in OF_THE_LEARNER if not is_taken(group, taken)}


def is_taken(key: str, taken: set[str]) -> bool:
    """Whether a run reads a key of the learner's groups, or anything below it; taken: what taken_keys returns."""
    return any(key == one or key.startswith(f"{one}.") or one.startswith(f"{key}.") for one in taken)


def written_at(cfg: DictConfig, key: str) -> str:
    """Return the key under which a value is written: model.units for learner.net.units if learner.net is ${model}."""
    names = key.split(".")
    node: Any = cfg
    for depth, name in enumerate(names):
        if isinstance(node, DictConfig) and name in node and OmegaConf.is_interpolation(node, name):
            content: Any = OmegaConf.to_container(node, resolve=False)
            whole = _WHOLE_INTERPOLATION.fullmatch(content[name])
            return written_at(cfg, ".".join([whole[1], *names[depth + 1 :]])) if whole else key
        node = OmegaConf.select(node, name) if OmegaConf.is_config(node) else None
    return key


def _name(cfg: DictConfig) -> str:
    """Return the choice of the learner, or its class if the config came without choices."""
    choice = OmegaConf.select(cfg, "hydra.runtime.choices.learner", default=None)
    return str(choice or cfg.learner.get("_target_"))


def _keys_inside(raw: Any, key: str) -> Iterator[str]:
    """Yield every key that the texts of a node name inside ${...}, resolvers' arguments included.

    raw: the config as dicts and lists, interpolations as they are written.
    """
    node, rest = raw, key
    while rest and not isinstance(node, str):
        name, _, rest = rest.partition(".")
        if not isinstance(node, dict) or name not in node:
            return
        node = node[name]
    for text in _texts(node):
        for inside in _INTERPOLATION.findall(text):
            dotted = _BRACKETS.sub(r".\1", inside)  # optimizer[lr] is optimizer.lr
            yield from (f"{found.rstrip('.')}.{rest}".rstrip(".") for found in _KEY.findall(dotted))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
