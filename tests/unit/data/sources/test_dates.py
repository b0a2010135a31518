"""Dates in a table: what is a date, what it becomes, and the order of rows that it gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from tunesmith.data.arrays import Arrays
from tunesmith.data.sources.dates import read_dates
from tunesmith.data.sources.table import Csv
from tunesmith.errors import UserError

nan = np.nan


def read(path: Path, content: str, **keys: Any) -> Arrays:
    (path / "table.csv").write_text(content)
    given = {"target": "y", "task": "regression", "drop": (), "separator": ",", "encoding": "utf-8", "dates": "parts"}
    return Csv(str(path / "table.csv"), **{**given, "na_values": (), "max_categories": 50, **keys}).load()


def table(*cells: str, header: str = "x,when,y") -> str:
    rows = (f"{row},{cell},{row * row}" for row, cell in enumerate(cells))
    return "\n".join((header, *rows)) + "\n"


DATES: dict[str, tuple[list[str | None], list[str] | None]] = {
    "ISO": (["2024-02-01", "2023-12-31"], ["2024-02-01", "2023-12-31"]),
    "ISO with a gap": (["2024-02-01", None], ["2024-02-01", "NaT"]),
    "ISO with a time": (["2024-02-01 13:00", "2024-02-01T14:30:05"], ["2024-02-01T13:00", "2024-02-01T14:30:05"]),
    "ISO with time zones": (["2024-02-01T01:00+01:00", "2024-02-01T00:00Z"], ["2024-02-01", "2024-02-01"]),
    "the month first": (["02/01/2024", "12/31/2023"], ["2024-02-01", "2023-12-31"]),
    "the day first, as only it can be": (["01/02/2024", "31/12/2023"], ["2024-02-01", "2023-12-31"]),
    "the day first, with dots": (["01.02.2024", "03.04.2024"], ["2024-02-01", "2024-04-03"]),
    "two formats": (["2024-02-01", "31/12/2023"], None),
    "texts": (["2024-02-01", "later"], None),
    "a day that is not": (["2024-02-30", "2024-02-01"], None),
    "two digits of a year": (["2/1/24", "2/2/24"], None),
    "the year first, with strokes": (["2024/2/01", "2024/2/03"], ["2024-02-01", "2024-02-03"]),
    "names of months": (["01-Mar-2024", "31-Dec-2023"], ["2024-03-01", "2023-12-31"]),
    "months": (["2024-03", "2023-12"], ["2024-03-01", "2023-12-01"]),
    "numbers of parts": (["1234-05", "2345-11"], None),
    "numbers of versions": (["1.10.30", "1.9.20"], None),
    "nothing": ([None, None], None),
    "other texts": (["a", "b"], None),
}


@pytest.mark.parametrize(("cells", "expected"), DATES.values(), ids=DATES)
def test_dates_are_told_from_texts(cells: list[str | None], expected: list[str] | None) -> None:
    dates = read_dates(pandas.Series(cells, dtype="str"))
    if expected is None:
        assert dates is None
    else:
        assert dates.dt.tz_localize(None).to_numpy().astype("M8[s]").tolist() == np.array(expected, "M8[s]").tolist()


def test_dates_that_can_be_read_in_two_ways_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    dates = read_dates(pandas.Series(["02/01/2024", "03/01/2024"], name="when"))
    assert dates.dt.month.tolist() == [2, 3]
    assert caplog.messages == [
        "data: column when may have the day or the month first; 02/01/2024 is read as 2024-02-01 (2024-02-01 would be "
        "clear)"
    ]


FEATURES: dict[str, tuple[str, list[str], list[str], list[list[float]]]] = {
    "parts": (
        "parts",
        ["2023-12-31", "2024-02-01"],
        ["x", "when.year", "when.month", "when.weekday"],
        [[0, 2023, 12, 6], [1, 2024, 2, 3]],
    ),
    "parts with a time": (
        "parts",
        ["2024-02-01 23:10", "2024-02-01 06:00"],
        ["x", "when.hour"],
        [[0, 23], [1, 6]],
    ),
    "parts with a gap": ("parts", ["2024-02-01", "", "2024-02-02"], ["x", "when.weekday"], [[0, 3], [1, nan], [2, 4]]),
    "elapsed": ("elapsed", ["2024-02-02", "2024-02-01 12:00"], ["x", "when.elapsed"], [[0, 0.5], [1, 0]]),
    "drop": ("drop", ["2024-02-02", "2024-02-01"], ["x"], [[0], [1]]),
    "one date alone": ("parts", ["2024-02-02", "2024-02-02"], ["x"], [[0], [1]]),
}


@pytest.mark.parametrize(("dates", "cells", "columns", "values"), FEATURES.values(), ids=FEATURES)
def test_a_column_of_dates_becomes(
    tmp_path: Path, dates: str, cells: list[str], columns: list[str], values: list[list[float]]
) -> None:
    arrays = read(tmp_path, table(*cells), dates=dates)
    assert arrays.columns == tuple(columns)
    np.testing.assert_array_equal(arrays.inputs, np.float32(values))


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        pytest.param("parts", "they become year, month, weekday (data.dates=parts, elapsed, drop or text)", id="parts"),
        pytest.param("drop", "it is left out (data.dates=parts or elapsed makes features of it)", id="drop"),
    ],
)
def test_what_dates_become_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture, dates: str, said: str) -> None:
    read(tmp_path, table("2023-12-31", "2024-02-01"), dates=dates)
    assert caplog.messages == [f"data: column when has dates; {said}"]


def test_dates_may_stay_texts(tmp_path: Path) -> None:
    arrays = read(tmp_path, table("2024-02-01", "2024-01-01"), dates="text")
    assert (arrays.columns, arrays.categories, arrays.order) == (("x", "when"), {1: ("2024-01-01", "2024-02-01")}, None)


SPLIT = "x,when,who,y\n1,2024-01-03,ann,1\n2,2024-01-01,bob,2\n3,2024-01-02,ann,3\n"
ORDERS: dict[str, tuple[dict[str, Any], list[float] | None, list[int] | None, tuple[str, ...]]] = {
    "the only column of dates orders": ({}, [172800, 0, 86400], None, ("x", "when.weekday", "who")),
    "a column of dates": (
        {"split_column": "when"},
        [172800, 0, 86400],
        [0, 1, 2],
        ("x", "when.weekday", "who"),
    ),
    "a column of dates that are left out": (
        {"split_column": "when", "dates": "drop"},
        [172800, 0, 86400],
        [0, 1, 2],
        ("x", "who"),
    ),
    "a column of dates that are texts": (
        {"split_column": "when", "dates": "text"},
        [172800, 0, 86400],
        [0, 1, 2],
        ("x", "who"),
    ),
    "a column of numbers": ({"split_column": "x"}, [1, 2, 3], [0, 1, 2], ("when.weekday", "who")),
    "a column of texts": ({"split_column": "who"}, None, [0, 1, 0], ("x", "when.weekday")),
}


@pytest.mark.parametrize(("keys", "order", "groups", "columns"), ORDERS.values(), ids=ORDERS)
def test_order_and_groups_of_rows(
    tmp_path: Path,
    keys: dict[str, Any],
    order: list[float] | None,
    groups: list[int] | None,
    columns: tuple[str, ...],
) -> None:
    arrays = read(tmp_path, SPLIT, **keys)
    assert (None if arrays.order is None else arrays.order.tolist()) == order
    assert (None if arrays.groups is None else arrays.groups.tolist()) == groups
    assert arrays.columns == columns


@pytest.mark.parametrize(
    "cells", [["2024-01-01,2024-01-02"] * 2, [",1", "2024-01-02,2"]], ids=["two columns of dates", "a gap"]
)
def test_dates_that_give_no_order(tmp_path: Path, cells: list[str]) -> None:
    assert read(tmp_path, table(*cells, header="x,when,then,y")).order is None


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a column that is not there": (
        SPLIT,
        {"split_column": "why"},
        r"data\.split_column must be a column of .*; got 'why'",
    ),
    "the target": (SPLIT, {"split_column": "y"}, r"data\.split_column must be .* data\.target does not name; got 'y'$"),
    "a column to drop": (
        SPLIT,
        {"split_column": "who", "drop": ("who",)},
        r"data\.split_column must be .* data\.drop does not name; got 'who'$",
    ),
    "a column with gaps": (
        "x,who,y\n1,a,1\n2,,2\n",
        {"split_column": "who"},
        r"data\.split_column must have a value in each row; got who, which has none in 1 of 2 rows$",
    ),
}


@pytest.mark.parametrize(("content", "keys", "message"), REFUSED.values(), ids=REFUSED)
def test_a_split_column_is_refused_that_is(tmp_path: Path, content: str, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^{message}"):
        read(tmp_path, content, **keys)
