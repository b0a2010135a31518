"""Preparation of arrays that stay in their file: fitted chunk by chunk on the training part, applied batch by batch."""

from __future__ import annotations

import numpy as np

from tunesmith.data.arrays import MOST
from tunesmith.data.mapped import Index, Mapped, Values
from tunesmith.data.scaling import Scaling, fit_scaling, mean_and_deviation
from tunesmith.errors import UserError


def fit_mapped(inputs: Mapped, train: Index, scale: str, missing: str) -> Scaling | None:
    """Fit the scaling of inputs on the training part; None if they stay as they are, as token ids do.

    Raises:
        UserError: the scaling needs all values at once, or training inputs have gaps; others tell when they are read.
    """
    if missing == "impute":
        raise UserError("data.missing must be refuse if data.mapped=true reads rows by batch; got impute")
    if inputs.dtype == np.int64:
        return None
    if scale == "robust":
        raise UserError(
            "data.scale must be one of standard, global, minmax, none if data.mapped=true reads rows by batch; got "
            "'robust', which needs all values at once"
        )
    return fit_scaling((check_whole(rows).reshape(len(rows), -1) for rows in inputs.chunks(train)), scale)


def mean_and_scale(values: Mapped, index: Index) -> tuple[float, float]:
    """Return mean and standard deviation of all numbers of the rows of an index; 1 if they never vary."""
    mean, scale = mean_and_deviation(chunk.reshape(-1, 1) for chunk in values.chunks(index))
    return float(mean[0]), float(scale[0])


def check_whole(rows: Values) -> Values:
    """Return rows as they are; raises UserError if one has a missing or infinite value."""
    if rows.dtype != np.float32 or not np.isfinite(rows.sum(dtype=np.float64)):
        bad = int((~(np.abs(rows) <= MOST)).sum())
        if bad:
            raise UserError(
                f"data must be whole and finite; got {bad} missing or infinite values in {len(rows)} rows that were "
                "read; data.mapped=false data.missing=impute fills missing ones in, in memory"
            )
    return rows
