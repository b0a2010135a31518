"""Arrays -> one float32 array without missing values: imputed, one-hot, scaled; all fitted on the training split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.arrays import MOST, Arrays, Values
from tunesmith.data.mapped import Index, Mapped, pieces
from tunesmith.data.mapped_preparation import check_whole, fit_mapped
from tunesmith.data.scaling import Floats, Scaling, fit_scaling, to_float32
from tunesmith.errors import UserError, list_names


@dataclass(frozen=True)
class Preparation:
    """What is done to a table or to images; fitted on the training part, applied to any rows of the same features.

    fills: (features,) float64, what stands for a missing value of each feature, NaN if nothing does; None: no value is
        ever missing.
    categories: feature -> the codes that the training part has, ascending; each becomes a column. A row of another
        category is zero in all of them.
    scaling: of the other features, the numbers; None: they stay as they are.
    """

    fills: Floats | None
    categories: Mapping[int, tuple[int, ...]]
    scaling: Scaling | None

    def apply(self, inputs: Values | Mapped) -> Values | Mapped:
        """inputs: (samples, *input_shape) -> the same shape, or (samples, numbers and categories) of a table.

        Token ids stay as they are. Inputs that stay in their file are prepared as they are read.
        """
        if inputs.dtype == np.int64:
            return inputs
        if isinstance(inputs, Mapped):
            return inputs.then(check_whole).then(self._apply, np.float32)
        return self._apply(inputs)

    def _apply(self, inputs: Values) -> NDArray[np.float32]:
        flat = inputs.reshape(len(inputs), -1)
        if self.fills is None and self.scaling is None and not self.categories:
            return to_float32(inputs)
        width = flat.shape[1] - len(self.categories) + sum(map(len, self.categories.values()))
        prepared = np.empty((len(flat), width), np.float32)
        start = 0
        for rows in pieces(flat):
            prepared[start : start + len(rows)] = self._prepare(rows)
            start += len(rows)
        return prepared if self.categories else prepared.reshape(inputs.shape)

    def _prepare(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        rows = _filled(rows, self.fills)
        numbers = rows[:, _numbers(self.categories, rows.shape[1])] if self.categories else rows
        scaled = to_float32(numbers) if self.scaling is None else self.scaling.apply(numbers)
        coded = [rows[:, [feature]] == codes for feature, codes in self.categories.items()]
        return np.concatenate([scaled, *coded], axis=1, dtype=np.float32) if coded else scaled


def fit_preparation(arrays: Arrays, train: Index, scale: str, missing: str) -> tuple[Preparation, list[str]]:
    """Fit on the training part; return the lines, too, that tell the user what is done to the inputs.

    scale: standard | global | minmax | robust | none; missing: impute | refuse.

    Raises:
        UserError: a value is infinite or beyond float32, or one is missing and `missing` is refuse.
    """
    if isinstance(arrays.inputs, Mapped):
        line = "inputs stay in their file and are read by batch; constant or unscaled ones are not looked for"
        return Preparation(None, {}, fit_mapped(arrays.inputs, train, scale, missing)), [line]
    if arrays.inputs.dtype == np.int64:
        return Preparation(None, {}, None), []
    flat = _flat(arrays)
    gaps = _find_gaps(flat)
    lines = [] if gaps is None else [_describe_gaps(arrays, gaps, missing)]
    fills = _fit_fills(flat, train, _fillable(arrays, gaps, missing), arrays.categories)
    categories = {feature: _codes(flat[train, feature]) for feature in arrays.categories}
    numbers = _numbers(categories, flat.shape[1])
    if not len(numbers) and not any(categories.values()):
        raise UserError("data must leave the training part an input; got columns without any value in it")
    known = (_filled(rows, fills)[:, numbers] if categories else _filled(rows, fills) for rows in pieces(flat, train))
    scaling = fit_scaling(known, scale) if len(numbers) else None
    return Preparation(fills, categories, scaling), lines


def _flat(arrays: Arrays) -> NDArray[Any]:
    """Return inputs as (samples, features)."""
    assert isinstance(arrays.inputs, np.ndarray)
    return arrays.inputs.reshape(len(arrays.inputs), -1)


def _numbers(categories: Mapping[int, Any], num_features: int) -> list[int]:
    """Return the features that are no categories."""
    return [feature for feature in range(num_features) if feature not in categories]


def _codes(values: NDArray[Any]) -> tuple[int, ...]:
    """Return the different codes of categories, ascending; gaps are none."""
    return tuple(np.unique(values[~np.isnan(values)]).astype(int).tolist())


def _filled(rows: NDArray[Any], fills: Floats | None) -> NDArray[Any]:
    with np.errstate(invalid="ignore", over="ignore"):
        if fills is None or np.isfinite(rows.sum(dtype=np.float64)):
            return rows
    return np.where(np.isnan(rows), fills, rows)


def _find_gaps(flat: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return a mask of missing values, None if all are finite; the sum of all values tells quickly if one is not."""
    with np.errstate(invalid="ignore", over="ignore"):
        if flat.dtype == np.float32 and np.isfinite(flat.sum(dtype=np.float64)):
            return None
        gaps = np.isnan(flat)
        return gaps if gaps.any() or (np.abs(flat) > MOST).any() else None


def _describe_gaps(arrays: Arrays, gaps: NDArray[np.bool_], missing: str) -> str:
    """Return the line about the missing values; raises UserError if they are refused or a value is infinite."""
    with np.errstate(invalid="ignore"):
        infinite = (np.abs(_flat(arrays)) > MOST).sum(axis=0)
    if infinite.any():
        where = _per_column(arrays, infinite)
        raise UserError(f"data must be finite; got {infinite.sum()} infinite values in {where}")
    counts = gaps.sum(axis=0)
    what = f"{counts.sum()} missing values in {_per_column(arrays, counts)}"
    if missing == "refuse":
        raise UserError(f"data must be whole; got {what}; data.missing=impute fills them in")
    return f"{what}: filled in with the training part's median or most frequent category (data.missing=refuse stops)"


def _per_column(arrays: Arrays, counts: NDArray[np.int64]) -> str:
    indices = np.flatnonzero(counts)
    if not arrays.is_table:
        return f"{len(indices)} of {len(counts)} values of a sample"
    return list_names(f"{arrays.column(int(index))} ({counts[index]})" for index in indices)


def _fillable(arrays: Arrays, gaps: NDArray[np.bool_] | None, missing: str) -> Index:
    """Return the features that have gaps; all columns of a table with names, where rows to come may have some."""
    if missing == "impute" and arrays.is_table and arrays.columns:
        return np.arange(arrays.inputs.shape[1])
    return np.array([], np.int64) if gaps is None else np.flatnonzero(gaps.any(axis=0))


def _fit_fills(flat: NDArray[Any], train: Index, features: Index, categories: Mapping[int, Any]) -> Floats | None:
    """Return what stands for the gaps of some features: the median, or the most frequent category."""
    if len(features) == 0:
        return None
    fills = np.full(flat.shape[1], np.nan)
    for feature in features:
        known = flat[train, feature].astype(np.float64)
        known = known[~np.isnan(known)]
        if not len(known):
            fills[feature] = 0
        else:
            fills[feature] = _most_frequent(known) if feature in categories else np.median(known)
    return fills


def _most_frequent(values: Floats) -> float:
    different, counts = np.unique(values, return_counts=True)
    return float(different[counts.argmax()])
