"""Means of few scores, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

# Of all intervals: two-sided, by Student's t.
LEVEL = 0.95


@dataclass(frozen=True)
class Mean:
    """A mean of n scores, and half the width of its 95 % interval: t(n - 1) * standard deviation / sqrt(n).

    half_width: None of fewer than two scores.
    """

    value: float
    half_width: float | None

    @property
    def interval(self) -> list[float] | None:
        return None if self.half_width is None else [self.value - self.half_width, self.value + self.half_width]


def mean_of(values: Sequence[float]) -> Mean | None:
    """Return the mean of scores with its interval, None of no scores."""
    if not values:
        return None
    if len(values) < 2:
        return Mean(values[0], None)
    from scipy.stats import t

    quantile = float(t.ppf((1 + LEVEL) / 2, len(values) - 1))
    return Mean(fmean(values), quantile * standard_error(values))


def standard_error(values: Sequence[float]) -> float:
    """Return that of the mean of two values or more."""
    return stdev(values) / math.sqrt(len(values))


def share_se(share: float, num: float) -> float:
    """Return sqrt(p (1 - p) / n) of a share, drawn to the middle by two hits and two misses: Agresti and Coull 1998."""
    share = (share * num + 2) / (num + 4)
    return math.sqrt(share * (1 - share) / num)
