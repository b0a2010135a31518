"""New rows, from a file or from Python, as inputs of a run's model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.arrays import MOST, Arrays
from tunesmith.data.fitted_preparation import FittedPreparation
from tunesmith.data.sources.cells import CellFormat
from tunesmith.data.sources.new_arrays import read_array, read_array_file
from tunesmith.data.sources.new_table import NewTable
from tunesmith.data.sources.npz import check_file
from tunesmith.data.sources.table_file import TableFile
from tunesmith.errors import UserError

ARRAY_FILES, OTHER_FILES = (".npz", ".npy"), (".xlsx", ".xls", ".ods", ".parquet", ".feather", ".json", ".pkl")


@dataclass(frozen=True)
class TableFormat:
    """How the CSV file of a run is written; that of new rows is written alike."""

    form: CellFormat = field(default_factory=CellFormat)
    separator: str = ","
    encoding: str = "utf-8"
    header: int | None = 0

    def file(self, path: Path) -> TableFile:
        return TableFile(str(path), self.separator, self.encoding, self.header, "inputs")


def read_rows(inputs: Any, preparation: FittedPreparation, written: TableFormat) -> Iterator[Arrays]:
    """Yield all rows in their order and in pieces of bounded size, as they are before they are prepared.

    inputs: the path of a CSV, npz or npy file, a pandas.DataFrame, or an array of (samples, *input_shape).
    preparation: of the run; written: how its CSV file was.

    Raises:
        UserError: there are no rows, or not such rows.
    """
    number = 0
    for arrays in _read(inputs, preparation, written):
        _check_values(arrays, preparation, number)
        number += len(arrays.inputs)
        if len(arrays.inputs):
            yield arrays
    if not number:
        raise UserError(f"inputs must have rows; got {_name(inputs)}, which has none")


def prepare_rows(arrays: Arrays, preparation: FittedPreparation) -> NDArray[Any]:
    """Return rows as a model gets them, (samples, *prepared_shape) float32, or int64 for token ids."""
    if preparation.classes:
        labels = np.zeros(len(arrays.inputs), np.int64)
        arrays = replace(arrays, targets=labels, classes=preparation.classes)
    return np.asarray(preparation.apply(arrays))


def _read(inputs: Any, preparation: FittedPreparation, written: TableFormat) -> Iterator[Arrays]:
    from pandas import DataFrame

    name = _name(inputs)
    if isinstance(inputs, str | Path):
        path = check_file(str(inputs), "inputs")
        if path.suffix in ARRAY_FILES:
            yield from read_array(read_array_file(path), preparation, name)
            return
        if path.suffix in OTHER_FILES:
            raise UserError(f"inputs must be a CSV, npz or npy file; got {name}: write its rows as CSV")
    elif not isinstance(inputs, DataFrame):
        yield from read_array(np.asarray(inputs), preparation, name)
        return
    if not preparation.columns:
        shape = ", ".join(map(str, ("samples", *preparation.input_shape)))
        raise UserError(f"inputs must be an npz file with inputs of shape ({shape}): no column has a name; got {name}")
    table = NewTable(preparation, written.form, name)
    if isinstance(inputs, str | Path):
        yield from table.read_file(written.file(path))
    else:
        yield from table.read_frame(inputs)
    table.warn()


def _name(inputs: Any) -> str:
    return str(inputs) if isinstance(inputs, str | Path) else f"the {type(inputs).__name__}"


def _check_values(arrays: Arrays, preparation: FittedPreparation, before: int) -> None:
    """Raise UserError if a value is infinite, or missing while nothing stands for it; before: number of rows."""
    assert isinstance(arrays.inputs, np.ndarray)
    if arrays.inputs.dtype == np.int64 or not arrays.inputs.size:
        return
    flat = arrays.inputs.reshape(len(arrays.inputs), -1)
    is_filled = np.array([fill is not None for fill in preparation.fills or [None] * flat.shape[1]])
    bad = ~(np.abs(flat) <= MOST) & ~(np.isnan(flat) & is_filled)
    if bad.any():
        row, feature = np.argwhere(bad)[0]
        named = arrays.is_table and arrays.columns
        where = f"column {arrays.column(int(feature))}" if named else f"value {feature} of a sample"
        what = "missing, and nothing was fitted to stand for it" if np.isnan(flat[row, feature]) else "infinite"
        raise UserError(f"inputs must be whole and finite; in row {before + row + 1}, {where} is {what}")
