"""Scales of numbers: z = (x - offset) / scale, fitted in float64 on rows that may come in pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import UserError

# Largest relative error of a number that becomes a float32, and how much of a feature's deviation it may be.
FLOAT32_ERROR, LOST = 2.0**-24, 1e-3

Floats = NDArray[np.float64]
Rows = NDArray[Any]


@dataclass(frozen=True)
class Scaling:
    """offset, scale: (features,) float64, or () for all features as one."""

    offset: Floats
    scale: Floats

    def apply(self, rows: Rows) -> NDArray[np.float32]:
        """rows: (rows, features), float32 or float64; scaled as such, so that differences keep their digits.

        Of float32 numbers the offset is rounded to the next one, from which their differences are exact.
        """
        with _refused_overflow(rows):
            scaled: Rows = rows - self.offset.astype(rows.dtype)
            scaled /= self.scale.astype(rows.dtype)
            return scaled.astype(np.float32, copy=False)


def fit_scaling(pieces: Iterable[Rows], kind: str) -> Scaling | None:
    """Fit a scale on pieces of rows, (rows, features) each; None if numbers stay as they are.

    kind: standard | global | minmax | robust | none. A feature that never varies is only shifted.
    """
    if kind == "none":
        return None
    if kind == "robust":
        values = np.concatenate(list(pieces)).astype(np.float64)
        least, middle, most = np.percentile(values - values[0], (25, 50, 75), axis=0)
        scale = _not_zero(most - least)
        return Scaling(_on_grid(middle, scale) + values[0], scale)
    if kind == "minmax":
        extents = [(rows.min(axis=0), rows.max(axis=0)) for rows in pieces]
        lows, highs = (np.array(values).astype(np.float64) for values in zip(*extents, strict=True))
        return Scaling(lows.min(axis=0), _not_zero(highs.max(axis=0) - lows.min(axis=0)))
    mean, deviation = mean_and_deviation(rows.reshape(-1, 1) if kind == "global" else rows for rows in pieces)
    return Scaling(mean[0], deviation[0]) if kind == "global" else Scaling(mean, deviation)


def mean_and_deviation(pieces: Iterable[Rows]) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each feature, (features,) each; the deviation is 1 if it never varies.

    Chan, Golub and LeVeque (1983): differences from means are merged, never squares of the values themselves, whose
    difference has no digits left if the values are large and close together. The first row is taken off before
    anything is summed up: a sum of many large values has no digits left for their mean.
    """
    num, mean, squares = 0, np.zeros(1), np.zeros(1)
    first: Rows | None = None
    varies = np.zeros(1, bool)
    for rows in pieces:
        first = rows[0] if first is None else first
        steps = rows - first.astype(np.float64)
        varies = varies | (steps != 0).any(axis=0)
        mean_here = steps.mean(axis=0)
        steps -= mean_here
        step, total = mean_here - mean, num + len(rows)
        mean = mean + step * (len(rows) / total)
        squares = squares + np.square(steps).sum(axis=0) + step**2 * (num * len(rows) / total)
        num = total
    deviation = np.where(varies, _not_zero(np.sqrt(squares / num)), 1.0)
    if first is None:
        return mean, deviation
    mean = mean + first
    return _on_grid(mean, deviation) if first.dtype == np.float64 else mean, deviation


def _on_grid(offset: Floats, scale: Floats) -> Floats:
    """Round offsets to about a millionth of their scale.

    So a constant that is added to all values is added to the offset without rounding, and makes no difference to what
    is trained on.
    """
    step = np.exp2(np.floor(np.log2(scale)) - 20)
    rounded: Floats = np.round(offset / step) * step
    return rounded


def to_float32(values: Rows) -> NDArray[np.float32]:
    """Return numbers as they are trained on.

    Raises:
        UserError: one is too large for a float32.
    """
    with _refused_overflow(values):
        return values.astype(np.float32, copy=False)


@contextmanager
def _refused_overflow(values: Rows) -> Iterator[None]:
    try:
        with np.errstate(over="raise"):
            yield
    except FloatingPointError:
        raise UserError(
            f"data must fit into float32 once it is scaled; got values up to {np.abs(values).max():.3g}: another "
            "data.scale, or another unit, makes them smaller"
        ) from None


def _not_zero(scale: Floats) -> Floats:
    return np.where(scale == 0, 1.0, scale)


def loses_digits(values: Rows, offset: Floats | float = 0.0) -> NDArray[np.bool_]:
    """Tell for each feature whether float32 keeps fewer than three digits of how its values differ from each other.

    values: (rows, features); offset: what is taken off before they become float32.
    """
    values = values.astype(np.float64, copy=False)
    lost: NDArray[np.bool_] = np.abs(values - offset).max(axis=0) * FLOAT32_ERROR > LOST * values.std(axis=0)
    varies: NDArray[np.bool_] = (values != values[0]).any(axis=0)
    return lost & varies
