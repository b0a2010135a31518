"""Preparation of arrays that stay in their file: fitted chunk by chunk on the training part, applied batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tunesmith.data.mapped import Index, Mapped, Values
from tunesmith.errors import UserError


def prepare_mapped(inputs: Mapped, train: Index, scale: str, missing: str) -> Mapped:
    """Return the inputs with their scaling; token ids stay as they are.

    Raises:
        UserError: the scaling needs all values at once, or training inputs have gaps; others tell when they are read.
    """
    if missing == "impute":
        raise UserError("data.missing must be refuse if data.mapped=true reads rows by batch; got impute")
    if inputs.dtype == np.int64:
        return inputs
    inputs = inputs.then(check_whole)
    if scale == "none":
        return inputs
    if scale == "robust":
        raise UserError(
            "data.scale must be one of standard, global, minmax, none if data.mapped=true reads rows by batch; got "
            "'robust', which needs all values at once"
        )
    return inputs.then(_fit(inputs, train, scale))


def mean_and_scale(values: Mapped, index: Index) -> tuple[float, float]:
    """Return mean and standard deviation of all numbers of the rows of an index; 1 if they never vary."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    for chunk in values.chunks(index):
        scaler.partial_fit(chunk.reshape(-1, 1))
    return float(scaler.mean_[0]), float(scaler.scale_[0])


def check_whole(rows: Values) -> Values:
    """Return rows as they are; raises UserError if one has a missing or infinite value."""
    if not np.isfinite(rows.sum(dtype=np.float64)):
        bad = int((~np.isfinite(rows)).sum())
        if bad:
            raise UserError(
                f"data must be whole and finite; got {bad} missing or infinite values in {len(rows)} rows that were "
                "read; data.mapped=false data.missing=impute fills missing ones in, in memory"
            )
    return rows


def _fit(inputs: Mapped, train: Index, scale: str) -> Callable[[Values], Values]:
    from sklearn import preprocessing

    if scale == "global":
        mean, deviation = map(np.float32, mean_and_scale(inputs, train))
        return lambda rows: ((rows - mean) / deviation).astype(np.float32, copy=False)
    scaler: Any = preprocessing.StandardScaler() if scale == "standard" else preprocessing.MinMaxScaler()
    for chunk in inputs.chunks(train):
        scaler.partial_fit(chunk.reshape(len(chunk), -1))
    return lambda rows: scaler.transform(rows.reshape(len(rows), -1)).astype(np.float32, copy=False).reshape(rows.shape)
