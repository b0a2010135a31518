"""New samples in arrays, of an npz or npy file or from Python -> inputs, as those of a run were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.arrays import Arrays
from tunesmith.data.fitted_preparation import FittedPreparation
from tunesmith.data.mapped import CHUNK_BYTES
from tunesmith.data.sources.npz import DAMAGED, make_arrays, map_npz
from tunesmith.errors import UserError, list_names


def read_array_file(path: Path) -> NDArray[Any]:
    """Return the inputs of an npz file, or the array of an npy file; it stays in its file unless it is compressed.

    Raises:
        UserError: the file holds no such array.
    """
    try:
        if path.suffix == ".npy":
            return _is_array(np.load(path, mmap_mode="r", allow_pickle=False), path)
        with ZipFile(path) as archive:
            is_mapped = all(member.compress_type == ZIP_STORED for member in archive.infolist())
        if is_mapped:
            arrays = map_npz(path)
            names = list(arrays)
            inputs = arrays.get("inputs")
        else:
            with np.load(path, allow_pickle=False) as content:
                names = list(content)
                inputs = content["inputs"] if "inputs" in names else None
    except DAMAGED as error:
        raise UserError(f"inputs must be a file of plain arrays; got {path} ({error})") from None
    if inputs is None:
        raise UserError(f"inputs: {path} must hold an array 'inputs'; got {list_names(map(repr, names)) or 'none'}")
    return _is_array(inputs, path)


def read_array(inputs: NDArray[Any], preparation: FittedPreparation, name: str) -> Iterator[Arrays]:
    """Yield samples in their order and in pieces of bounded size.

    inputs: (samples, *input_shape), as the run's source gives them, before any scaling; name: for messages.

    Raises:
        UserError: the samples have another shape or type than those of the run.
    """
    _check_table(preparation, name)
    values = inputs[:, None] if inputs.ndim == 1 else inputs
    if values.shape[1:] != preparation.input_shape:
        shape = ", ".join(map(str, ("samples", *preparation.input_shape)))
        raise UserError(f"inputs must be of shape ({shape}); got {inputs.shape} in {name}")
    kinds = "iu" if preparation.is_tokens else "biuf"
    if inputs.dtype.kind not in kinds:
        what = "whole numbers, which are token ids" if preparation.is_tokens else "numbers"
        raise UserError(f"inputs must be {what}; got {inputs.dtype} in {name}")
    rows = max(1, CHUNK_BYTES // max(1, values[:1].size * 8))
    for start in range(0, len(values), rows):
        arrays = make_arrays(np.asarray(values[start : start + rows]), None, name, preparation.is_tokens)
        yield replace(arrays, columns=preparation.columns)


def _check_table(preparation: FittedPreparation, name: str) -> None:
    """Raise UserError if inputs were made of columns that are no numbers."""
    dates = () if preparation.table is None else preparation.table.dates
    texts = [*(preparation.columns[index] if preparation.columns else str(index) for index in preparation.categories)]
    if texts or dates:
        named = list_names(map(repr, [*texts, *dates]))
        raise UserError(f"inputs must be a CSV file or a frame, whose column {named} is no number; got {name}")


def _is_array(array: Any, path: Path) -> NDArray[Any]:
    if not isinstance(array, np.ndarray) or array.ndim == 0:
        raise UserError(f"inputs must be an array of samples; got one value in {path}")
    return array
