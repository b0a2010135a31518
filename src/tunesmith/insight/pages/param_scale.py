"""A parameter's own scale: linear or log numbers, or choices; where a value lies on it, and how it is written."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

# Characters of a value that an axis or a table shows.
MAX_LABEL = 24
# Cells into which a range of floats is cut where values are counted; Optuna's PED-ANOVA takes as many.
NUM_CELLS = 50


@dataclass(frozen=True)
class ParamScale:
    """What the values of one parameter are drawn on.

    choices: the texts of all choices in their order, empty if the values are numbers.
    low, high: the range of numbers; is_ordered: whether there is something between two neighbours, as between numbers.
    """

    key: str
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    is_log: bool = False
    is_integer: bool = False
    is_ordered: bool = True

    @property
    def ends(self) -> tuple[float, float]:
        """The places of the first value and of the last one."""
        if self.choices:
            return 0.0, float(len(self.choices) - 1)
        return (math.log10(self.low), math.log10(self.high)) if self.is_log else (self.low, self.high)

    @property
    def num_cells(self) -> int:
        """Into how many cells the scale is cut where values are counted."""
        if self.choices:
            return len(self.choices)
        if not self.is_integer:
            return NUM_CELLS
        span = int(self.high - self.low) + 1
        return min(math.ceil(math.log2(span)) + 1 if self.is_log else span, NUM_CELLS)

    def place(self, value: Any) -> float | None:
        """Return where a value lies: a number, its log10, or the index of a choice; None if it is not on the scale."""
        if self.choices:
            text = to_text(value)
            return float(self.choices.index(text)) if text in self.choices else None
        if not is_number(value) or (self.is_log and value <= 0):
            return None
        return math.log10(value) if self.is_log else float(value)

    def ticks(self) -> tuple[list[float], list[str]]:
        """Return places and labels for an axis that knows neither logarithms nor texts; none on a linear scale."""
        if self.choices:
            return [float(index) for index in range(len(self.choices))], [shorten(text) for text in self.choices]
        numbers = _log_ticks(self.low, self.high) if self.is_log else []
        return [math.log10(number) for number in numbers], [f"{number:g}" for number in numbers]


def make_scale(
    key: str, values: Sequence[Any], is_log: bool = False, distribution: BaseDistribution | None = None
) -> ParamScale:
    """Return the scale of a parameter.

    values: of all trials that have the parameter; distribution: Optuna's, None if nothing but the values is known.
    """
    if isinstance(distribution, CategoricalDistribution):
        return _of_choices(key, [*distribution.choices, *values])
    if not all(map(is_number, values)):
        return _of_choices(key, sorted(values, key=_by_kind))
    numbers = [float(value) for value in values]
    if isinstance(distribution, FloatDistribution | IntDistribution):
        numbers += [distribution.low, distribution.high]
    is_integer = all(isinstance(value, int) for value in values)
    return ParamScale(key, (), min(numbers), max(numbers), is_log and min(numbers) > 0, is_integer)


def is_number(value: Any) -> bool:
    """Whether a value is one that a linear axis can show."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def to_text(value: Any) -> str:
    """Return a value as the page shows it: numbers in four digits, what is neither number nor text as JSON."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value, default=str)


def shorten(text: str) -> str:
    """Return a text cut to what an axis has room for."""
    return text if len(text) <= MAX_LABEL else f"{text[: MAX_LABEL - 1]}…"


def _of_choices(key: str, values: Sequence[Any]) -> ParamScale:
    return ParamScale(key, tuple(dict.fromkeys(map(to_text, values))), is_ordered=all(map(is_number, values)))


def _by_kind(value: Any) -> tuple[bool, float, str]:
    return not is_number(value), float(value) if is_number(value) else 0.0, to_text(value)


def _log_ticks(low: float, high: float) -> list[float]:
    """Return powers of ten, with 2 and 5 between them if there are few, and the ends if there are none."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 2, 5)):
        found = [tick for decade in decades for factor in factors if low <= (tick := factor * 10.0**decade) <= high]
        if len(found) > 2:
            return found
    return [low, *(tick for tick in found if low < tick < high), high]
