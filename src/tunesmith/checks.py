"""Checks of a config: each value against its rule, and keys that depend on each other; all without torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig, ListConfig, OmegaConf

from tunesmith.config.agreement import check_mode, check_patience, check_val_batches
from tunesmith.config.doors import (
    OF_THE_LEARNER,
    SUPERVISED,
    check_doors,
    is_taken,
    taken_keys,
    typed_overrides,
    written_at,
)
from tunesmith.config.optional_choices import check_optional_choices
from tunesmith.config.package_lines import check_package_lines
from tunesmith.config.renamed_targets import RENAMED, nodes_with_target
from tunesmith.config.selection import ABSENT, select
from tunesmith.errors import UserError, closest
from tunesmith.rules import Rule, is_number
from tunesmith.rules.keys import KEYS
from tunesmith.rules.table import REPLACED_KEYS, replacements_of, rules_of
from tunesmith.rules.training import GIVEN_BY_CALLER


class _Taker(NamedTuple):
    """A node, its key, and the class that takes its values: the node's own `_target_`, or that of its source."""

    key: str
    node: DictConfig
    target: str


def check_config(cfg: DictConfig) -> None:
    """Check the value of every key that has a rule, and keys that depend on each other; skip keys that are not there.

    Raises:
        UserError: names the first key at fault, its rule and its value.
    """
    check_optional_choices(cfg, typed_overrides(cfg))
    check_package_lines(cfg)
    check_doors(cfg)
    takers = list(_takers(cfg))
    is_part = _part_of_run(cfg)
    missing = {key for taker in takers if taker.key for key in _missing(taker.node, taker.key) if is_part(key)}
    for key in sorted(missing):
        raise UserError(f"{key} must be given: add {key}=VALUE")
    for node, argument, key, rule in _rules(cfg, takers):
        if is_part(key):
            _check(cfg, node, argument, key, rule)

    if is_part("warmup_epochs"):
        _check_order(cfg, "warmup_epochs", "trainer.max_epochs")
    _check_order(cfg, "lr_finder.min_lr", "lr_finder.max_lr")
    _check_order(cfg, "trainer.min_epochs", "trainer.max_epochs", may_be_equal=True)
    check_mode(cfg)
    check_val_batches(cfg)
    _check_replaced(cfg, takers)
    _check_devices(cfg, takers)
    if is_part("scheduler.patience") and cfg.get("ckpt_path") is None:  # a run that goes on keeps what it began with
        check_patience(cfg)
    _check_given_by_caller(cfg, takers)


def check_rule(key: str, rule: Rule, value: Any) -> None:
    """Raise UserError unless a key's value keeps its rule."""
    if not rule.holds(value):
        options = _options(rule)
        hint = closest(value, options).partition(" options")[0].rstrip(";") if isinstance(value, str) else ""
        raise UserError(f"{key} must be {rule.says}; got {_format(value)}{hint}")


def is_allowed(cfg: DictConfig, key: str, value: Any) -> bool:
    """Whether a value of a key keeps the rules of all that take it in this config; a key without rules takes any."""
    rules = [(whole, rule) for _, _, whole, rule in _rules(cfg, list(_takers(cfg)))]
    return all(rule.holds(value) for whole, rule in rules if key in (whole, written_at(cfg, whole)))


def check_folder(key: str, folder: Path) -> None:
    """Make the output folder that a key names; raise UserError if it cannot be made or written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK | os.X_OK)
    except OSError as error:
        raise UserError(f"{key} must be a folder that can be written to; got {folder} ({error.strerror})") from None
    if not writable:
        raise UserError(f"{key} must be a folder that can be written to; got {folder} (permission denied)")


def _part_of_run(cfg: DictConfig) -> Callable[[str], bool]:
    """Return a function that tells whether a key is part of the run."""
    taken = taken_keys(cfg)
    return lambda key: key.partition(".")[0] not in OF_THE_LEARNER or is_taken(key, taken)


def _takers(cfg: DictConfig) -> Iterator[_Taker]:
    """Yield each node with a `_target_` except Hydra's own, and a second time each node whose source takes its keys."""
    if not cfg.get("learner"):  # in version 0.1.0 the learner's arguments were the config's own keys
        yield _Taker("", cfg, SUPERVISED["_target_"])
    for name in map(str, cfg):
        if name == "hydra" or OmegaConf.is_missing(cfg, name) or OmegaConf.is_interpolation(cfg, name):
            continue
        if not isinstance(cfg[name], DictConfig | ListConfig):
            continue
        for key, node in nodes_with_target(cfg[name], name):
            yield _Taker(key, node, _target(node))
            source = None if OmegaConf.is_missing(node, "source") else select(node, "source", f"{key}.source")
            if isinstance(source, DictConfig) and "_target_" in source and source.get("_partial_"):
                yield _Taker(key, node, _target(source))


def _target(node: DictConfig) -> str:
    return RENAMED.get(str(node["_target_"]), str(node["_target_"]))


def _missing(node: DictConfig | ListConfig, key: str) -> Iterator[str]:
    """Yield the keys of mandatory values that a node, of this key, and nodes inside it lack."""
    names: Any = list(node) if isinstance(node, DictConfig) else range(len(node))
    for name in names:
        if OmegaConf.is_missing(node, name):
            yield f"{key}.{name}"
        elif not OmegaConf.is_interpolation(node, name) and isinstance(node[name], DictConfig | ListConfig):
            yield from _missing(node[name], f"{key}.{name}")


def _rules(cfg: DictConfig, takers: Sequence[_Taker]) -> Iterator[tuple[DictConfig, str, str, Rule]]:
    """Yield every rule with the node it is about, the argument inside the node, and the argument's whole key."""
    for key, rule in KEYS.items():
        yield cfg, key, key, rule
    for taker in takers:
        for argument, rule in rules_of(taker.target).items():
            yield taker.node, argument, f"{taker.key}.{argument}".lstrip("."), rule


def _check(cfg: DictConfig, node: DictConfig, argument: str, key: str, rule: Rule) -> None:
    value = select(node, argument, key)
    if value is not ABSENT and not rule.holds(value):
        check_rule(written_at(cfg, key), rule, value)


def _check_order(cfg: DictConfig, less: str, more: str, may_be_equal: bool = False) -> None:
    low, high = (select(cfg, key, key) for key in (less, more))
    if is_number(low) and is_number(high) and (low > high or (low == high and not may_be_equal)):
        raise UserError(f"{less} must be {'at most' if may_be_equal else 'less than'} {more}={high}; got {low}")


def _check_devices(cfg: DictConfig, takers: Sequence[_Taker]) -> None:
    """Raise UserError for folds on several devices: a process starts its other ranks once, but each fold is a run."""
    has_folds = any(
        "folds" in rules_of(taker.target) and select(taker.node, "folds", f"{taker.key}.folds") not in (None, ABSENT)
        for taker in takers
    )
    devices = select(cfg, "trainer.devices", "trainer.devices")
    if has_folds and devices not in (1, ABSENT):
        raise UserError(f"trainer.devices must be 1 with data.folds; got {_format(devices)}")


def _check_given_by_caller(cfg: DictConfig, takers: Sequence[_Taker]) -> None:
    """Raise UserError for an argument that the code hands over: the value of the config would be lost."""
    is_own_learner = cfg.get("learner") and _target(cfg.learner) != SUPERVISED["_target_"]
    for taker in takers:
        names = GIVEN_BY_CALLER.get(taker.key, {})
        if is_own_learner and taker.key == "model":  # whose code may call the model otherwise
            continue
        for name in names if taker.key == "trainer" or taker.node.get("_partial_") else ():
            if taker.node.get(name) is not None:
                raise UserError(f"{taker.key}.{name} must be left out: {names[name]}; got {_format(taker.node[name])}")


def _check_replaced(cfg: DictConfig, takers: Sequence[_Taker]) -> None:
    """Raise UserError if both keys of a pair are given: the second would be ignored silently."""
    given = typed_overrides(cfg)
    pairs = [(cfg, "", pair) for pair in REPLACED_KEYS]
    pairs += [(taker.node, f"{taker.key}.", pair) for taker in takers for pair in replacements_of(taker.target)]
    for node, prefix, (name, has_effect, other) in pairs:
        key, replaced = f"{prefix}{name}", f"{prefix}{other}"
        value = select(node, name, key)
        typed = next((text for text in given if text.lstrip("+").startswith(f"{replaced}=")), None)
        if value is not ABSENT and has_effect(value) and typed is not None:
            raise UserError(f"{replaced} has no effect beside {key}={_format(value)}; got '{typed}': leave one out")


def _options(rule: Rule) -> list[str]:
    says = rule.says.partition(", or ")[0]
    return says.removeprefix("one of ").split(", ") if says.startswith("one of ") else []


def _format(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return f"'{value}'" if isinstance(value, str) else str(value)
