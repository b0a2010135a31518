"""Whether a node says what it makes: its `_target_`, and Hydra's other words in it, spelled right; without torch."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from tunesmith.config.doors import OF_THE_LEARNER, SUPERVISED, is_taken, taken_keys, written_at
from tunesmith.config.renamed_targets import nodes_with_target
from tunesmith.errors import UserError

# Hydra's words inside a node; all other keys are arguments.
HYDRAS = ("_target_", "_partial_", "_args_", "_recursive_", "_convert_")
_ALONE = ("learner", "data", "trainer")
_EACH = ("callbacks", "logger")
_OF_SUPERVISED = ("model", "loss", "optimizer", "scheduler")
_MAY_BE_EMPTY = ("data", "scheduler", "callbacks", "logger", "metrics")


def check_node_keys(cfg: DictConfig, is_supervised: bool | None = None) -> None:
    """Raise UserError for a node without a `_target_`, or with a misspelt word of Hydra's.

    is_supervised: whether the learner is Supervised or a subclass, which builds its own groups; None means that only
    the name of its class is known: another learner may take plain values.
    """
    if is_supervised is None:
        target = OmegaConf.select(cfg, "learner._target_", default=SUPERVISED["_target_"])
        is_supervised = target == SUPERVISED["_target_"]
    for key, node in parts_of_run(cfg):
        _check_words(key, node)
    for key in _needing_a_target(cfg, is_supervised):
        _check_target(cfg, key)


def parts_of_run(cfg: DictConfig) -> Iterator[tuple[str, DictConfig]]:
    """Yield each node with a `_target_` that is a part of the run, by the key at which it is written."""
    taken = taken_keys(cfg)
    for name in (*_ALONE, *_EACH, *OF_THE_LEARNER):
        if name not in cfg or OmegaConf.is_missing(cfg, name) or OmegaConf.is_interpolation(cfg, name):
            continue
        if isinstance(cfg[name], DictConfig | ListConfig):
            for key, node in nodes_with_target(cfg[name], name):
                if name not in OF_THE_LEARNER or is_taken(key, taken):
                    yield key, node


def _check_words(key: str, node: DictConfig) -> None:
    for name in map(str, node):
        if name.startswith("_") and name not in HYDRAS:
            meant = get_close_matches(name, HYDRAS, n=1, cutoff=0.75)
            if meant:
                raise UserError(
                    f"{key}.{name}: there is no such key; did you mean {meant[0]}? options: {', '.join(HYDRAS)}"
                )


def _needing_a_target(cfg: DictConfig, is_supervised: bool) -> Iterator[str]:
    """Yield the keys of the nodes that are built."""
    yield from (name for name in _ALONE if name in cfg)
    groups = (*_EACH, *(("metrics",) if is_supervised else ()))
    for name in groups:
        if _is_given(cfg, name):
            if not isinstance(cfg[name], DictConfig):
                raise UserError(f"{name} must be a node of nodes with a _target_; got {_show(cfg[name])}")
            yield from (name,) if "_target_" in cfg[name] else (f"{name}.{key}" for key in cfg[name])
    if is_supervised:
        yield from (name for name in _OF_SUPERVISED if name in cfg)


def _is_given(cfg: DictConfig, name: str) -> bool:
    return name in cfg and not OmegaConf.is_interpolation(cfg, name) and bool(cfg[name])


def _check_target(cfg: DictConfig, key: str) -> None:
    node: Any = OmegaConf.select(cfg, key, default=None)
    if (not node and key in _MAY_BE_EMPTY) or (isinstance(node, DictConfig) and "_target_" in node):
        return
    written = written_at(cfg, key)
    leave_out = f"; ~{key} leaves it out" if key.partition(".")[0] in _EACH and not node else ""
    near = get_close_matches("_target_", map(str, node), n=1) if isinstance(node, DictConfig) else []
    hint = (
        f"; did you mean _target_ with {near[0]}?"
        if near
        else f"; a file of the group is chosen by {_choice(key, node)}{leave_out}"
    )
    raise UserError(f"{written} must be a node with a _target_; got {_show(node)}{hint}")


def _choice(key: str, node: object) -> str:
    name = node if isinstance(node, str) and node.isidentifier() else "NAME"
    group = key.partition(".")[0]
    return f"{group}={name}, or in a defaults list by `override /{group}: {name}`"


def _show(node: object) -> str:
    value = OmegaConf.to_container(node, resolve=False) if isinstance(node, DictConfig | ListConfig) else node
    return "null" if value is None else repr(value)
