"""How far apart the means of two parts lie, column by column."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Of so many standard errors the median column of a healthy split has .4 to 1; columns that go together move together,
# and even one that stands for all of them is beyond 4 in one of 15 000 splits.
MEDIAN_SE = 4.0
# A single column counts beyond what chance gives the largest of all columns in one of a million splits.
CHANCE = 1e-6
# In standard deviations of the column: less misleads nobody, even if it is certain because rows are many.
MEDIAN_DEVIATIONS, LARGEST_DEVIATIONS = 0.2, 0.5


@dataclass(frozen=True)
class Shift:
    """Mean of one part minus that of the training part.

    column: the one that is farthest off, None if none varies; value: by how many standard errors it is.
    deviations: and by how many standard deviations of the column; median, median_deviations: the median column's.
    """

    column: int | None
    value: float = 0.0
    deviations: float = 0.0
    median: float = 0.0
    median_deviations: float = 0.0
    num_columns: int = 0

    @property
    def is_all_over(self) -> bool:
        """Whether columns differ as a rule."""
        return self.median > MEDIAN_SE and self.median_deviations > MEDIAN_DEVIATIONS

    @property
    def is_of_column(self) -> bool:
        """Whether the column that is farthest off is too far off for chance."""
        return self.value > self.most_by_chance and self.deviations > LARGEST_DEVIATIONS

    @property
    def most_by_chance(self) -> float:
        """Standard errors of the largest of the columns: Bonferroni's bound, two-sided."""
        return NormalDist().inv_cdf(1 - CHANCE / (2 * max(1, self.num_columns)))


def measure_shift(train: NDArray[Any], other: NDArray[Any]) -> Shift:
    """Compare the columns of two parts, (rows, columns) each; those that never vary are left out.

    The standard error takes the deviation of both parts together, as nothing but chance would part them.
    """
    if len(train) < 2 or len(other) < 2:
        return Shift(None)
    num_train, num_other = len(train), len(other)
    mean, mean_other = train.mean(axis=0, dtype=np.float64), other.mean(axis=0, dtype=np.float64)
    between = (mean_other - mean) ** 2 * num_train * num_other / (num_train + num_other) ** 2
    within = _variance(train) * num_train + _variance(other) * num_other
    deviation = np.sqrt(within / (num_train + num_other) + between)
    varies = np.flatnonzero(deviation > 1e-6 * (np.abs(mean) + np.abs(mean_other)))
    if not len(varies):
        return Shift(None)
    deviations = np.abs(mean_other - mean)[varies] / deviation[varies]
    errors = deviations / np.sqrt(1 / num_train + 1 / num_other)
    largest = int(errors.argmax())
    of_median = float(np.median(errors)), float(np.median(deviations))
    return Shift(int(varies[largest]), float(errors[largest]), float(deviations[largest]), *of_median, len(varies))


def _variance(rows: NDArray[Any]) -> NDArray[np.float64]:
    variance: NDArray[np.float64] = rows.var(axis=0, dtype=np.float64)
    return variance
