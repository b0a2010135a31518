"""What new rows may come in: files by their names, frames, arrays (tables and arrays have tests of their own)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tunesmith.data.arrays import Arrays
from tunesmith.data.fitted_preparation import FittedPreparation
from tunesmith.data.new_rows import TableFormat, prepare_rows, read_rows
from tunesmith.data.preparation import fit_preparation
from tunesmith.errors import UserError

INPUTS = np.arange(40.0).reshape(20, 2)
ARRAYS = Arrays(INPUTS, np.arange(20) % 2, ("a", "b"), ("no", "yes"))
PREPARATION = FittedPreparation.of(ARRAYS, fit_preparation(ARRAYS, np.arange(20), "standard", "refuse")[0], 0, 1)


def prepared(inputs: Any) -> Any:
    chunks = read_rows(inputs, PREPARATION, TableFormat())
    return np.concatenate([prepare_rows(arrays, PREPARATION) for arrays in chunks])


def test_all_of_them_are_prepared_alike(tmp_path: Path) -> None:
    frame = pd.DataFrame(INPUTS, columns=["a", "b"])
    frame.to_csv(tmp_path / "new.txt", index=False)
    np.savez(tmp_path / "new.npz", inputs=INPUTS)
    for inputs in (tmp_path / "new.txt", str(tmp_path / "new.npz"), frame, INPUTS, INPUTS.tolist()):
        np.testing.assert_array_equal(prepared(inputs), PREPARATION.apply(ARRAYS))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("nowhere.csv", "inputs must be a file; got nowhere.csv, which is not there"),
        (".", "inputs must be a file; got ., which is a folder"),
        (INPUTS[:0], "inputs must have rows; got the ndarray, which has none"),
        (pd.DataFrame({"a": [], "b": []}), "inputs must have rows; got the DataFrame, which has none"),
        ({"a": 1}, "inputs must be of shape (samples, 2); got () in the dict"),
        (np.full((3, 2), np.inf), "inputs must be whole and finite; in row 1, column a is infinite"),
    ],
    ids=["a file that is not there", "a folder", "no samples", "no rows", "a dict", "infinite"],
)
def test_others_are_refused(inputs: Any, message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        prepared(inputs)


def test_files_of_other_programs_are_told_by_their_names(tmp_path: Path) -> None:
    path = tmp_path / "new.xlsx"
    path.write_bytes(b"PK")
    with pytest.raises(UserError, match=r"^inputs must be a CSV, npz or npy file; got .*new\.xlsx: write its rows as "):
        prepared(path)
