"""What differs between two configs as they are written: interpolations stay as they are."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

# How many letters of a value a message shows.
MAX_SHOWN = 60
# The largest relative difference of two floats that are one number, rounded in several ways.
ROUNDING = 1e-12


class Absent(Enum):
    """Stands for the value of a key that a config does not have; null is a value."""

    ABSENT = "no such key"

    def __str__(self) -> str:
        return self.value


ABSENT = Absent.ABSENT
# Keys that configs of earlier versions lack, and what a run without them did.
_ADDED: dict[str, Any] = {"objective.others": []}


@dataclass(frozen=True)
class Change:
    """A key whose value differs; old and new are plain values, or ABSENT."""

    key: str
    old: Any
    new: Any


def find_changes(old: DictConfig, new: DictConfig) -> list[Change]:
    """Return the keys below which two configs differ, in the order of the old config, then of the new one.

    A list is one value; so is a dict without keys. The node `hydra` is left out: it says how the job was started.
    """
    before, after = dict(_leaves(_plain(old))), dict(_leaves(_plain(new)))
    for key, value in _ADDED.items():
        if key in before or key in after:
            before.setdefault(key, value)
            after.setdefault(key, value)
    keys = dict.fromkeys([*before, *after])
    pairs = ((key, before.get(key, ABSENT), after.get(key, ABSENT)) for key in keys)
    return [Change(key, was, now) for key, was, now in pairs if not is_same_value(was, now)]


def comes_out_the_same(change: Change, old: DictConfig, new: DictConfig) -> bool:
    """Whether a change is an interpolation in the one config and in the other the value that it comes out as."""
    if ABSENT in (change.old, change.new) or "${" not in f"{change.old}{change.new}":
        return False
    try:
        before, after = (OmegaConf.create({"value": OmegaConf.select(cfg, change.key)}) for cfg in (old, new))
        OmegaConf.resolve(before)
        OmegaConf.resolve(after)
    except (OmegaConfBaseException, ValueError):
        return False
    return not find_changes(before, after)


def _plain(config: DictConfig) -> Mapping[str, Any]:
    plain = OmegaConf.to_container(config, resolve=False)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items() if key != "hydra"}


def _leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted keys and their values."""
    if prefix and not (isinstance(node, Mapping) and node):
        yield prefix, node
        return
    for key, value in node.items():
        yield from _leaves(value, f"{prefix}.{key}" if prefix else str(key))


def show_value(value: Any) -> str:
    """Return a plain value as YAML writes it, shortened; of a text, the text."""
    text = str(value) if value is ABSENT or isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def is_same_value(first: Any, second: Any) -> bool:
    """Whether two plain values are one: 1 and 1.0 are, and 0.3 and 0.1 + 0.2, but not 1 and true, nor 1 and '1'.

    NaN is itself. Whole numbers are one only if they are equal: seeds of ten digits differ in the last one.
    """
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, int | float) and isinstance(second, int | float):
        return first == second or _is_rounded(first, second) or first != first != second
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(map(is_same_value, first, second))
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(is_same_value(first[key], second[key]) for key in first)
    return type(first) is type(second) and bool(first == second)


def _is_rounded(first: float, second: float) -> bool:
    """Whether two numbers with decimals differ by the rounding of a sum: 0.1 + 0.2 is 0.30000000000000004."""
    try:
        is_whole = float(first).is_integer() and float(second).is_integer()
        return not is_whole and math.isclose(first, second, rel_tol=ROUNDING)
    except OverflowError:  # a whole number that no float holds
        return False


def show_digest(digest: str) -> str:
    """Return a digest of data shortened; a text of a user's own digest(), such as a version, whole if it is short."""
    is_hash = re.fullmatch("[0-9a-f]{32,}", digest) is not None
    return f"{digest[:8]}..." if is_hash else digest[:MAX_SHOWN]
