"""Several target columns of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tunesmith.data.arrays import Arrays
from tunesmith.data.sources.table import Csv
from tunesmith.errors import UserError


def read(path: Path, content: str, **keys: Any) -> Arrays:
    (path / "table.csv").write_text(content)
    given = {"target": ("y", "z"), "task": "auto", "drop": (), "separator": ",", "encoding": "utf-8"}
    return Csv(str(path / "table.csv"), **{**given, "na_values": (), "max_categories": 50, **keys}).load()


@pytest.mark.parametrize(
    ("cells", "targets"),
    [
        pytest.param(["1,2.5", "3,-4"], [[1, 2.5], [3, -4]], id="numbers"),
        pytest.param(["1,0", "1,1"], [[1, 0], [1, 1]], id="labels"),
        pytest.param(["True,False", "True,True"], [[1, 0], [1, 1]], id="truth values"),
        pytest.param(["True,False", ",True", "False,True"], [[1, 0], [0, 1]], id="truth values, one missing"),
    ],
)
def test_several_columns_are_several_numbers(tmp_path: Path, cells: list[str], targets: list[list[float]]) -> None:
    arrays = read(tmp_path, "x,y,z\n" + "".join(f"{row},{cell}\n" for row, cell in enumerate(cells)))
    assert (arrays.targets.tolist(), arrays.columns, arrays.classes) == (targets, ("x",), ())


def test_rows_that_lack_one_of_the_targets_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    arrays = read(tmp_path, "x,y,z\n1,1,2\n2,,3\n3,4,\n4,5,6\n")
    assert (arrays.inputs.tolist(), arrays.targets.tolist()) == ([[1], [4]], [[1, 2], [5, 6]])
    assert caplog.messages[0] == "data: 2 of 4 rows have no y, z; they are left out"


def test_a_list_of_one_column_is_that_column(tmp_path: Path) -> None:
    arrays = read(tmp_path, "x,y\n1,a\n2,b\n", target=("y",))
    assert (arrays.targets.tolist(), arrays.classes) == ([0, 1], ("a", "b"))


def test_rows_that_are_their_own_targets_need_no_target_column(tmp_path: Path) -> None:
    arrays = read(tmp_path, "x,y\n1,2\n3,4\n", target=None)
    assert (arrays.columns, arrays.target_shape, len(arrays.targets)) == (("x", "y"), (0,), 2)


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "texts": (
        "x,y,z\n1,2,a\n2,3,b\n",
        {},
        r"data\.target must be one column, or columns of numbers .*; got z with 'a'",
    ),
    "classification": (
        "x,y,z\n1,2,3\n",
        {"task": "classification"},
        r"data\.task=classification needs one column in data\.target; got y, z",
    ),
    "a column that is not there": ("x,y\n1,2\n", {}, r"data\.target must be a column of .*; got 'z'; .*"),
    "a column twice": ("x,y\n1,2\n", {"target": ("y", "y")}, r"data\.target must name each column once; got y, y"),
    "a column to drop": ("x,y,z\n1,2,3\n", {"drop": ("z",)}, r"data\.drop must leave the target in; got 'z'"),
    "a header without rows": ("x,y\n", {"target": None}, r"data\.path must have rows; got .*, which has none"),
    "nothing but targets": ("y,z\n1,2\n", {}, r"data\.path must have a column beside y, z to learn from; got .*"),
}


@pytest.mark.parametrize(("content", "keys", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_as_several_targets_are(tmp_path: Path, content: str, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^{message}$"):
        read(tmp_path, content, **keys)
