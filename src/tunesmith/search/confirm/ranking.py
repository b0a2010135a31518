"""Ranks configurations by repeats on common seeds, with intervals, and says which of them are ties. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from tunesmith.insight.means import Mean, mean_of


@dataclass(frozen=True)
class Repeats:
    """A configuration that was run again; first: the score that it was chosen by; values: seed -> score of a repeat.

    failed: how many repeats failed, which have no score.
    """

    trial: int
    first: float
    values: Mapping[int, float]
    failed: int = 0


@dataclass(frozen=True)
class Ranked:
    """A configuration in its place; difference: of its scores and those of the first on the same seeds, in pairs."""

    repeats: Repeats
    mean: Mean | None
    difference: Mean | None

    @property
    def is_tie(self) -> bool:
        """Whether it may be as good as the first one: the interval of the difference contains 0, or there is none."""
        if self.difference is None or self.difference.half_width is None:
            return True
        return abs(self.difference.value) <= self.difference.half_width


def rank(candidates: Iterable[Repeats], is_maximized: bool) -> list[Ranked]:
    """Return configurations in the order of their means, the best one first.

    One with fewer scores stands behind those with more: it has failed on a seed, which a result should not hang on, or
    an earlier round has dropped it. Of equals, the one with the better first score is first.

    Pairs share seed, and so the draws that seeds of both have in common, and data: what these add to both is not in the
    difference (Dietterich 1998, https://doi.org/10.1162/089976698300017197, on paired tests).
    """
    sign = -1.0 if is_maximized else 1.0

    def place(repeats: Repeats) -> tuple[float, ...]:
        mean = fmean(repeats.values.values()) if repeats.values else math.inf
        return -len(repeats.values), sign * mean, sign * repeats.first, repeats.trial

    ordered = sorted(candidates, key=place)
    return [
        Ranked(
            repeats,
            mean_of(list(repeats.values.values())),
            None if repeats is ordered[0] else _difference(repeats.values, ordered[0].values),
        )
        for repeats in ordered
    ]


def optimism(ranked: Ranked, is_maximized: bool) -> float | None:
    """Return how much better a first score was than the mean of the repeats; None without repeats.

    The best of many noisy scores is better than its configuration: expected more, the more were compared (Smith and
    Winkler 2006, "The optimizer's curse", https://doi.org/10.1287/mnsc.1050.0451).
    """
    if ranked.mean is None:
        return None
    return (ranked.repeats.first - ranked.mean.value) * (1 if is_maximized else -1)


def _difference(values: Mapping[int, float], of_first: Mapping[int, float]) -> Mean | None:
    return mean_of([value - of_first[seed] for seed, value in values.items() if seed in of_first])
