"""New rows of a table are read as the table was: by names, in its format, with a line for what does not fit."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from tunesmith.data.arrays import Arrays
from tunesmith.data.fitted_preparation import FittedPreparation
from tunesmith.data.new_rows import TableFormat, prepare_rows, read_rows
from tunesmith.data.preparation import fit_preparation
from tunesmith.data.sources import new_table
from tunesmith.data.sources.cells import CellFormat
from tunesmith.data.sources.table import Csv
from tunesmith.errors import UserError

DAYS = pd.Timestamp("2024-01-15") + pd.to_timedelta(np.arange(30) * 11, "D")
TRAINED_ON = pd.DataFrame(
    {
        "id": range(30),
        "age": np.arange(30) % 7 + 0.5,
        "size": np.arange(30) % 4,
        "colour": ["red", "green", "1"] * 10,
        "when": DAYS.strftime("%d/%m/%Y"),
        "ok": [True, False] * 15,
        "y": ["a", "b"] * 15,
    }
)
INPUTS = ["age", "size", "colour", "when", "ok"]


@pytest.fixture(autouse=True)
def _warnings(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)


def fitted(folder: Path, missing: str = "impute", **keys: Any) -> tuple[FittedPreparation, NDArray[Any]]:
    """What a run keeps of TRAINED_ON, and its prepared inputs."""
    TRAINED_ON.to_csv(folder / "trained.csv", index=False, header="header" not in keys)
    given = {"target": "y", "task": "auto", "drop": ("id",), "separator": ",", "encoding": "utf-8", "na_values": ()}
    arrays = Csv(str(folder / "trained.csv"), **{**given, "max_categories": 50, "dates": "parts", **keys}).load()
    preparation, _ = fit_preparation(arrays, np.arange(20), "standard", missing)
    found = FittedPreparation.of(arrays, preparation, 0, 1)
    return FittedPreparation.from_plain(found.to_plain()), np.asarray(found.apply(arrays))


@pytest.fixture
def preparation(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> FittedPreparation:
    found, _ = fitted(tmp_path)
    caplog.clear()
    return found


def prepared(inputs: Any, preparation: FittedPreparation, **written: Any) -> NDArray[Any]:
    chunks = read_rows(inputs, preparation, TableFormat(**written))
    return np.concatenate([prepare_rows(arrays, preparation) for arrays in chunks])


def write(folder: Path, frame: pd.DataFrame, **options: Any) -> Path:
    frame.to_csv(folder / "new.csv", index=False, **options)
    return folder / "new.csv"


# as the table was read


@pytest.mark.parametrize("dates", ["parts", "elapsed", "text", "drop"])
def test_the_same_rows_become_the_same_bits(tmp_path: Path, dates: str) -> None:
    preparation, expected = fitted(tmp_path, dates=dates)
    found = prepared(write(tmp_path, TRAINED_ON[INPUTS]), preparation)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(prepared(TRAINED_ON, preparation), expected)


def test_a_few_rows_are_read_as_the_whole_table_was(tmp_path: Path) -> None:
    """Of row 24 alone, 05/10/2024, the month could come first; of rows of "1" alone, colours would be numbers."""
    preparation, expected = fitted(tmp_path)
    for row in (23, 24, 26):
        found = prepared(write(tmp_path, TRAINED_ON[INPUTS].iloc[[row]]), preparation)
        np.testing.assert_array_equal(found, expected[[row]])


def test_columns_may_come_in_any_order(tmp_path: Path) -> None:
    preparation, expected = fitted(tmp_path)
    np.testing.assert_array_equal(prepared(write(tmp_path, TRAINED_ON[INPUTS[::-1]]), preparation), expected)


def test_large_files_are_read_in_pieces_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preparation, expected = fitted(tmp_path)
    monkeypatch.setattr(new_table, "CELLS", 7 * len(INPUTS))
    chunks = list(read_rows(write(tmp_path, TRAINED_ON[INPUTS]), preparation, TableFormat()))
    assert [len(each.inputs) for each in chunks] == [7, 7, 7, 7, 2]
    np.testing.assert_array_equal(np.concatenate([prepare_rows(each, preparation) for each in chunks]), expected)


def test_the_runs_format_is_that_of_new_rows(tmp_path: Path) -> None:
    preparation, expected = fitted(tmp_path)
    path = write(tmp_path, TRAINED_ON[INPUTS].replace({"size": {3: -9}}), sep=";", decimal=",", encoding="latin-1")
    form = CellFormat(decimal=",", na_values=("-9",))
    found = prepared(path, preparation, form=form, separator=";", encoding="latin-1")
    known = TRAINED_ON["size"].to_numpy() < 3
    np.testing.assert_array_equal(found[known], expected[known])
    assert len(np.unique(found[~known][:, 1])) == 1  # the median, for -9


def test_a_frame_may_hold_values_instead_of_texts(tmp_path: Path) -> None:
    preparation, expected = fitted(tmp_path)
    ones = TRAINED_ON["colour"] == "1"
    typed = TRAINED_ON.assign(when=DAYS, ok=TRAINED_ON["ok"].astype(float))[ones].assign(colour=1.0)
    np.testing.assert_array_equal(prepared(typed, preparation), expected[ones])


def test_an_array_in_the_order_of_the_columns_will_do_if_all_are_numbers(tmp_path: Path) -> None:
    preparation, expected = fitted(tmp_path, drop=("id", "colour", "when"))
    values = TRAINED_ON[["age", "size", "ok"]].to_numpy(np.float64)
    np.testing.assert_allclose(prepared(values, preparation), expected, rtol=1e-6)


# what does not fit


def test_unseen_categories_are_none_of_those_that_are_known(
    preparation: FittedPreparation, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    rows = TRAINED_ON[INPUTS].assign(colour=["mauve", "red", "teal"] * 10)
    found = prepared(write(tmp_path, rows), preparation)
    assert not found[::3, -3:].any()
    assert found[1::3, -3:].any()
    assert caplog.messages == [
        "inputs: column colour has 'mauve', 'teal', in 20 of the rows, which the model has not learnt: none of its "
        "categories"
    ]


def test_empty_cells_are_filled_in(tmp_path: Path) -> None:
    preparation, expected = fitted(tmp_path)
    empty = TRAINED_ON[INPUTS].assign(age=np.nan, colour="")
    found = prepared(write(tmp_path, empty), preparation)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[:, 1], expected[:, 1])


def test_without_a_fill_an_empty_cell_is_refused(tmp_path: Path) -> None:
    preparation, _ = fitted(tmp_path, missing="refuse")
    rows = TRAINED_ON[INPUTS].assign(size=[0, 1, *[np.nan] * 28])
    message = (
        "inputs must be whole and finite; in row 3, column size is missing, and nothing was fitted to stand for it"
    )
    with pytest.raises(UserError, match=f"^{message}$"):
        prepared(write(tmp_path, rows), preparation)


def test_what_is_left_out_or_unknown_is_not_used(
    tmp_path: Path, preparation: FittedPreparation, caplog: pytest.LogCaptureFixture
) -> None:
    rows = TRAINED_ON.assign(extra=1)
    assert len(prepared(write(tmp_path, rows), preparation)) == 30
    assert caplog.messages == ["inputs: not used, as the model has not learnt from it: 'y', 'extra'"]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "text among numbers": (
        {"age": [1.0, "12 km", *["x"] * 28]},
        "inputs: column age must hold numbers; got '12 km' in row 2 of {path} and 28 more",
    ),
    "an infinite number": (
        {"size": ["1", "inf", *["2"] * 28]},
        "inputs must be whole and finite; in row 2, column size is infinite",
    ),
    "no date": (
        {"when": ["15/01/2024", "soon", *["16/01/2024"] * 28]},
        "inputs: column when must hold dates, written as for training; got 'soon' in row 2 of {path}",
    ),
    "the month first": (
        {"when": ["12/31/2024"] * 30},
        "inputs: column when must hold dates, written as for training; got '12/31/2024' in row 1 of {path} and 29 more",
    ),
}


@pytest.mark.parametrize(("columns", "message"), WRONG.values(), ids=WRONG)
def test_wrong_cells_are_named(
    tmp_path: Path, preparation: FittedPreparation, columns: dict[str, Any], message: str
) -> None:
    path = write(tmp_path, TRAINED_ON[INPUTS].assign(**columns))
    with pytest.raises(UserError, match=f"^{re.escape(message.format(path=path))}$"):
        prepared(path, preparation)


START = "inputs must have the columns that the model was trained on; {path} lacks "
FILES: dict[str, tuple[str, str]] = {
    "a misspelled column": (
        "agee,size,colour,when,ok\n",
        START + "'age'; did you mean 'age' by its 'agee'?",
    ),
    "another name": ("years,size,colour,when,ok\n", START + "'age'; its others are 'years'"),
    "columns that are not there": ("colour,when,ok\n", START + "'age', 'size'"),
    "another separator": (
        "age;size;colour;when;ok\n",
        START + "'age', 'size', 'colour', 'when', 'ok'; its others are 'age;size;colour;when;ok'; its columns must be "
        "separated by ','",
    ),
    "a column twice": (
        "age,size,colour,when,ok,age\n",
        "inputs must have each column once; {path} has 'age' twice",
    ),
    "a header alone": ("age,size,colour,when,ok\n", "inputs must have rows; got {path}, which has none"),
    "a row that is too long": (
        "age,size,colour,when,ok\n1,1,red,15/01/2024,True,1\n",
        "inputs must be a table; got {path}: Length of header or names does not match length of data. This leads to a "
        "loss of data with index_col=False.",
    ),
    "a header without an end": (
        f'"{"x" * 140_000}"\n',
        "inputs must be a table with ',' between columns; got {path} (field larger than field limit (131072))",
    ),
    "no rows at all": ("\n", START + "'age', 'size', 'colour', 'when', 'ok'"),
    "nothing": ("", "inputs must be a file with something in it; got {path}, which is empty"),
}


@pytest.mark.parametrize(("content", "message"), FILES.values(), ids=FILES)
def test_another_table_is_refused(tmp_path: Path, preparation: FittedPreparation, content: str, message: str) -> None:
    path = tmp_path / "new.csv"
    path.write_text(content)
    with pytest.raises(UserError, match=f"^{re.escape(message.format(path=path))}$"):
        prepared(path, preparation)


@pytest.mark.parametrize(
    "content",
    ["größe,y\n1,2\n", "age,size,colour,when,ok\n1,1,größe,15/01/2024,True\n"],
    ids=["in the header", "in a row"],
)
def test_another_encoding_is_told_without_a_key_that_nobody_can_type_here(
    tmp_path: Path, preparation: FittedPreparation, content: str
) -> None:
    path = tmp_path / "new.csv"
    path.write_text(content, encoding="latin-1")
    expected = re.escape(f"inputs must be written in utf-8, as for training; got {path} ('utf-8' codec can't decode ")
    with pytest.raises(UserError, match=f"^{expected}"):
        prepared(path, preparation)


def test_a_table_without_a_header_has_its_columns_in_their_places(tmp_path: Path) -> None:
    preparation, expected = fitted(tmp_path, header=None, target="6", drop=("0",))
    path = write(tmp_path, TRAINED_ON.drop(columns="y"), header=False)
    np.testing.assert_array_equal(prepared(path, preparation, header=None), expected)
    write(tmp_path, TRAINED_ON[INPUTS], header=False)
    with pytest.raises(UserError, match=r"; a table without a header must have all columns in their places, the "):
        prepared(path, preparation, header=None)


@pytest.mark.parametrize("inputs", [TRAINED_ON[INPUTS].to_numpy(), np.ones((3, 5))], ids=["objects", "numbers"])
def test_an_array_cannot_stand_for_texts(preparation: FittedPreparation, inputs: NDArray[Any]) -> None:
    message = r"^inputs must be a CSV file or a frame, whose column 'colour', 'when' is no number; got the ndarray$"
    with pytest.raises(UserError, match=message):
        prepared(inputs, preparation)


def test_a_table_cannot_stand_for_arrays_without_names(tmp_path: Path) -> None:
    images = Arrays(np.ones((30, 1, 4, 4), np.float32), np.arange(30) % 2)
    preparation = FittedPreparation.of(images, fit_preparation(images, np.arange(20), "none", "refuse")[0], 0, 1)
    message = r"^inputs must be an npz file with inputs of shape \(samples, 1, 4, 4\): no column has a name; got .*"
    with pytest.raises(UserError, match=message):
        prepared(write(tmp_path, TRAINED_ON), preparation)
