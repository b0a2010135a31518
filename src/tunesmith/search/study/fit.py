"""Which dimensions are active in a trial, and whether its values are among theirs."""

from __future__ import annotations

from collections.abc import Container, Iterable
from enum import Enum
from typing import Any

from optuna.distributions import CategoricalDistribution

from tunesmith.config.changes import ABSENT
from tunesmith.search.space.dimension import Dimension, Params
from tunesmith.search.space.values import contains, position
from tunesmith.search.study.config_record import is_same_choice


class Unknown(Enum):
    """Stands for the value of a key that a trial has not drawn yet, or of which nothing was recorded."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN


class Fit:
    """Compares values with dimensions; values: key without + in front -> value, or UNKNOWN."""

    def __init__(self, groups: Container[str]) -> None:
        """groups: the keys that choose a file of a config group, whose name may look like a number."""
        self._groups = groups

    def active(self, dimensions: Iterable[Dimension], values: Params) -> list[tuple[Dimension, bool | None]]:
        """Return whether each dimension is active in a trial, None as long as a value is missing that decides it."""
        found: list[tuple[Dimension, bool | None]] = []
        for dimension in dimensions:
            others = {key: self._decided(key, found, values) for key in dimension.when}
            known = {key: value for key, value in others.items() if value is not UNKNOWN}
            is_open = len(known) < len(others) and not dimension.is_ruled_out(known)
            found.append((dimension, None if is_open else dimension.is_active(known)))
        return found

    def _decided(self, key: str, found: list[tuple[Dimension, bool | None]], values: Params) -> Any:
        """Return the value of a key that conditions name: ABSENT if the key is inactive, or UNKNOWN."""
        variants = [(each, is_active) for each, is_active in found if each.plain_key == key]
        if all(is_active is False for _, is_active in variants):
            return ABSENT
        return next((self.own(each, values) for each, is_active in variants if is_active), UNKNOWN)

    def own(self, dimension: Dimension, values: Params) -> Any:
        """Return a value as its dimension has it; UNKNOWN for one that is not drawn yet, or that is no choice."""
        value = values[dimension.plain_key]
        if value is UNKNOWN or not isinstance(dimension.distribution, CategoricalDistribution):
            return value
        index = self.position(dimension, values)
        return UNKNOWN if index is None else dimension.distribution.choices[index]

    def contains(self, dimension: Dimension, values: Params) -> bool:
        """Whether a key varies over the value that it has; one that is not drawn yet may become one."""
        value = values[dimension.plain_key]
        if value is UNKNOWN:
            return True
        is_group = self.is_group(dimension.plain_key)
        return self.position(dimension, values) is not None if is_group else contains(dimension, value)

    def position(self, dimension: Dimension, values: Params) -> int | None:
        """Return the position of a key's value among those of its dimension, None if it is none of them."""
        value = values[dimension.plain_key]
        if not self.is_group(dimension.plain_key):
            return position(dimension, value)
        option = None if value is None else str(value)
        return next((index for index, each in enumerate(dimension.extremes()) if is_same_choice(each, option)), None)

    def is_group(self, key: str) -> bool:
        """Whether a key chooses a file of a config group."""
        return key in self._groups
