"""The knobs of a run: the keys of its config that a remedy may turn, and the overrides that turn them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tunesmith.config.changes import is_same_value
from tunesmith.config.doors import OF_THE_LEARNER, is_taken, taken_keys
from tunesmith.config.quoting import override
from tunesmith.rules import is_number

if TYPE_CHECKING:
    from tunesmith.insight.diagnosis.training_facts import TrainingFacts

Remedy = tuple[str, ...]


@dataclass(frozen=True)
class Knobs:
    """The keys that a run reads, and their values."""

    facts: TrainingFacts

    def has(self, key: str) -> bool:
        """Whether the config has a key, and the run reads it: a learner of one's own may not take the optimizer."""
        node: Any = self.facts.config
        for name in key.split("."):
            if not isinstance(node, Mapping) or name not in node:
                return False
            node = node[name]
        return key.partition(".")[0] not in OF_THE_LEARNER or is_taken(key, self._taken)

    @cached_property
    def _taken(self) -> set[str]:
        return taken_keys(self.facts.config)

    def at(self, key: str) -> Any:
        """Return the value of a key, None if the run has no such key."""
        return self.facts.setting(key) if self.has(key) else None

    def number(self, key: str) -> float | None:
        """Return the number of a key, None if it is none; of a list of numbers the largest."""
        value = self.at(key)
        if _are_numbers(value):
            return float(max(value))
        return None if value is None else self.facts.number(key)

    def turn(self, key: str, value: Any) -> Remedy:
        """Return the override that gives a key another value; nothing if the run has no such key, or that value."""
        if not self.has(key) or is_same_value(self.at(key), value):
            return ()
        text = str(value).lower() if isinstance(value, bool) else None  # Hydra writes True; people type true
        return (override(key, value) if text is None else f"{key}={text}",)

    def scale(self, key: str, factor: float) -> Remedy:
        """Return the override that multiplies a number, or each number of a list."""
        return self._each(key, lambda number: float(f"{number * factor:.6g}"))  # 0.0003, not 0.00030000000000000003

    def scale_count(self, key: str, factor: float) -> Remedy:
        """Return the override that multiplies a whole number above 0, or each one of a list."""
        return self._each(key, lambda number: max(1, round(min(number * factor, sys.maxsize))))

    def _each(self, key: str, change: Callable[[float], float]) -> Remedy:
        value = self.at(key)
        if _are_numbers(value):
            return self.turn(key, [change(number) for number in value])
        number = self.number(key)
        return () if number is None else self.turn(key, change(number))


def _are_numbers(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and bool(value) and all(map(is_number, value))
