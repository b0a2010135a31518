"""Arrays -> one float32 array without missing values: imputed, one-hot, scaled; all fitted on the training split."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.arrays import Arrays, Values
from tunesmith.data.mapped import Index, Mapped
from tunesmith.data.mapped_preparation import prepare_mapped
from tunesmith.errors import UserError, list_names


def prepare(arrays: Arrays, train: Index, scale: str, missing: str) -> tuple[Values | Mapped, list[str]]:
    """Return all inputs, prepared, and the lines that tell the user what was done to them; token ids stay as they are.

    scale: standard | global | minmax | robust | none; missing: impute | refuse.

    Raises:
        UserError: a value is infinite, or one is missing and `missing` is refuse.
    """
    if isinstance(arrays.inputs, Mapped):
        line = "inputs stay in their file and are read by batch; constant or unscaled ones are not looked for"
        return prepare_mapped(arrays.inputs, train, scale, missing), [line]
    if arrays.inputs.dtype == np.int64:
        return arrays.inputs, []
    flat = _flat(arrays)
    gaps = _find_gaps(flat)
    if gaps is None and not arrays.categories:
        return _scale(flat, train, scale).reshape(arrays.inputs.shape), []
    lines: list[str] = []
    if gaps is not None:
        lines.append(_describe_gaps(arrays, gaps, missing))
        flat = _impute(flat, train, list(arrays.categories))
    numbers = [index for index in range(flat.shape[1]) if index not in arrays.categories]
    blocks = [_scale(flat[:, numbers], train, scale)] if numbers else []
    if arrays.categories:
        blocks.append(_one_hot(flat, arrays))
    return np.concatenate(blocks, axis=1).reshape(len(flat), *_shape(arrays, blocks)), lines


def _flat(arrays: Arrays) -> NDArray[np.float32]:
    """Return inputs as (samples, features)."""
    assert isinstance(arrays.inputs, np.ndarray)
    return arrays.inputs.reshape(len(arrays.inputs), -1).astype(np.float32, copy=False)


def _find_gaps(flat: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """Return a mask of missing values, None if all are finite; the sum of all values tells quickly if one is not."""
    with np.errstate(invalid="ignore", over="ignore"):
        if np.isfinite(flat.sum(dtype=np.float64)):
            return None
    gaps = np.isnan(flat)
    return gaps if gaps.any() or np.isinf(flat).any() else None


def _describe_gaps(arrays: Arrays, gaps: NDArray[np.bool_], missing: str) -> str:
    """Return the line about the missing values; raises UserError if they are refused or a value is infinite."""
    infinite = np.isinf(_flat(arrays)).sum(axis=0)
    if infinite.any():
        raise UserError(f"data must be finite; got {infinite.sum()} infinite values in {_per_column(arrays, infinite)}")
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


def _impute(flat: NDArray[np.float32], train: Index, categorical: list[int]) -> NDArray[np.float32]:
    from sklearn.impute import SimpleImputer

    filled = flat.copy()
    for columns, strategy in (
        ([index for index in range(flat.shape[1]) if index not in categorical], "median"),
        (categorical, "most_frequent"),
    ):
        gappy = [index for index in columns if np.isnan(flat[:, index]).any()]
        if gappy:
            imputer = SimpleImputer(strategy=strategy, keep_empty_features=True).fit(flat[train][:, gappy])
            filled[:, gappy] = imputer.transform(flat[:, gappy])
    return filled


def _one_hot(flat: NDArray[np.float32], arrays: Arrays) -> NDArray[np.float32]:
    from sklearn.preprocessing import OneHotEncoder

    known = [np.arange(len(names), dtype=np.float32) for names in arrays.categories.values()]
    encoder = OneHotEncoder(categories=known, sparse_output=False, dtype=np.float32)
    encoded: NDArray[np.float32] = encoder.fit_transform(flat[:, list(arrays.categories)])
    return encoded


def _scale(flat: NDArray[np.float32], train: Index, scale: str) -> NDArray[np.float32]:
    """Scale each feature by statistics of the training split alone; "global" takes all features as one."""
    from sklearn import preprocessing

    if scale == "none":
        return flat
    if scale == "global":
        mean, deviation = flat[train].mean(dtype=np.float64), flat[train].std(dtype=np.float64)
        return ((flat - np.float32(mean)) / np.float32(deviation or 1.0)).astype(np.float32, copy=False)
    scalers: dict[str, Any] = {
        "standard": preprocessing.StandardScaler,
        "minmax": preprocessing.MinMaxScaler,
        "robust": preprocessing.RobustScaler,
    }
    scaled: NDArray[np.float32] = scalers[scale]().fit(flat[train]).transform(flat)
    return scaled.astype(np.float32, copy=False)


def _shape(arrays: Arrays, blocks: list[NDArray[np.float32]]) -> tuple[int, ...]:
    return (sum(block.shape[1] for block in blocks),) if arrays.is_table else arrays.inputs.shape[1:]
