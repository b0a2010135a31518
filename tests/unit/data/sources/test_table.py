"""The user's own table: what becomes of its columns, and a line for each mistake."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from tunesmith.data.arrays import Arrays
from tunesmith.data.sources.npz import Npz
from tunesmith.data.sources.table import Csv
from tunesmith.errors import UserError

Read = Callable[..., Arrays]
nan = np.nan


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


@pytest.fixture
def read(path: Path) -> Read:
    """Write a table and read it with the keys of conf/data/csv.yaml, or others."""

    def write_and_read(content: str | bytes, **keys: Any) -> Arrays:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        given: dict[str, Any] = {
            **{"target": "y", "task": "auto", "drop": (), "separator": ",", "encoding": "utf-8"},
            **{"na_values": (), "max_categories": 50, **keys},
        }
        return Csv(str(path), **given).load()

    return write_and_read


def table(header: str, *rows: str) -> str:
    return "".join(f"{row}\n" for row in (header, *rows))


def column(*cells: object, target: str = "y") -> str:
    """One column x of cells, and classes 0 and 1 in turn."""
    return table(f"x,{target}", *(f"{cell},{row % 2}" for row, cell in enumerate(cells)))


def targets(*cells: object) -> str:
    return table("x,y", *(f"{row**2},{cell}" for row, cell in enumerate(cells)))


COLUMNS: dict[str, tuple[list[object], list[float]]] = {
    "whole numbers": ([3, 1, 4], [3, 1, 4]),
    "numbers": ([0.5, -1, "2e3"], [0.5, -1, 2000]),
    "gaps": ([1, "", "NA", "nan", "null", 2], [1, nan, nan, nan, nan, 2]),
    "nothing but gaps": (["", "", ""], [nan, nan, nan]),
    "infinite numbers": (["inf", 1, "-inf"], [np.inf, 1, -np.inf]),
    "numbers that float32 cannot hold": (["1600000001", 0.1, 2], [1600000001, 0.1, 2]),
    "truth values": (["True", "False", "True"], [1, 0, 1]),
    "blanks round numbers": ([" 1 ", " 2", "3 "], [1, 2, 3]),
}


@pytest.mark.parametrize(("cells", "values"), COLUMNS.values(), ids=COLUMNS)
def test_numbers_are_read_as_they_are(read: Read, cells: list[object], values: list[float]) -> None:
    arrays = read(column(*cells))
    np.testing.assert_array_equal(arrays.inputs[:, 0], values)
    assert (arrays.columns, arrays.categories) == (("x",), {})


CATEGORIES: dict[str, tuple[list[object], list[float], tuple[str, ...]]] = {
    "texts in alphabetical order": (["b", "a", "c", "a"], [1, 0, 2, 0], ("a", "b", "c")),
    "gaps among texts": (["b", "", "a", "NA"], [1, nan, 0, nan], ("a", "b")),
    "truth values with a gap": (["True", "", "False"], [1, nan, 0], ("False", "True")),
    "dates": (["2024-02-01", "2024-01-01", "2024-02-01"], [1, 0, 1], ("2024-01-01", "2024-02-01")),
    "blanks before texts": (["b", " a", " b"], [1, 0, 1], ("a", "b")),
    "quotes": (['"a, b"', '"say ""x"""', '"a, b"'], [0, 1, 0], ("a, b", 'say "x"')),
    "a line break in quotes": (['"a\nb"', "c", "c"], [0, 1, 1], ("a\nb", "c")),
    "other alphabets": (["日本", "größe", "日本"], [1, 0, 1], ("größe", "日本")),
}


@pytest.mark.parametrize(("cells", "codes", "names"), CATEGORIES.values(), ids=CATEGORIES)
def test_texts_become_categories(read: Read, cells: list[object], codes: list[float], names: tuple[str, ...]) -> None:
    arrays = read(column(*cells))
    np.testing.assert_array_equal(arrays.inputs[:, 0], np.float32(codes))
    assert arrays.categories == {0: names}


def test_categories_are_told_by_their_column(read: Read) -> None:
    arrays = read(table("a,kind,b,city,y", "1,x,2,p,0", "3,z,4,q,1"))
    assert arrays.columns == ("a", "kind", "b", "city")
    assert arrays.categories == {1: ("x", "z"), 3: ("p", "q")}


def test_a_column_of_too_many_texts_is_left_out_with_a_line(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    arrays = read(table("id,kind,y", "p,a,0", "q,b,1", "r,a,0"), max_categories=2)
    assert (arrays.columns, arrays.categories) == (("kind",), {0: ("a", "b")})
    line = "data: column id has 3 different texts in 3 rows; it is left out (data.max_categories=2)"
    assert caplog.messages.count(line) == 1


@pytest.mark.parametrize(
    ("cells", "is_warned"),
    [
        pytest.param(range(100, 130), True, id="from any number"),
        pytest.param([(7 * row) % 30 for row in range(30)], True, id="in any order"),
        pytest.param([*range(15), 14, *range(16, 30)], False, id="one twice"),
        pytest.param(range(0, 60, 2), False, id="in steps of two"),
        pytest.param([*np.linspace(0, 1, 29), 29], False, id="measurements"),
        pytest.param(range(20), False, id="too few rows to tell"),
    ],
)
def test_a_column_that_counts_the_rows_is_warned_of(
    read: Read, caplog: pytest.LogCaptureFixture, cells: list[float], is_warned: bool
) -> None:
    read(column(*cells))
    assert sum(message.startswith("data: column x numbers the rows; ") for message in caplog.messages) == is_warned


TARGETS: dict[str, tuple[list[object], list[int], tuple[str, ...]]] = {
    "texts": (["no", "yes", "no"], [0, 1, 0], ("no", "yes")),
    "whole numbers": ([7, 3, 7], [1, 0, 1], ("3", "7")),
    "whole numbers below zero": ([-1, 1, -1], [0, 1, 0], ("-1", "1")),
    "whole numbers with a point": (["0.0", "1.0", "0.0"], [0, 1, 0], ("0", "1")),
    "truth values": (["True", "False", "True"], [1, 0, 1], ("False", "True")),
    "plus and minus": (["+", "-", "+"], [0, 1, 0], ("+", "-")),
    "bounds": (["<30", ">30", "<30"], [0, 1, 0], ("<30", ">30")),
    "other alphabets": (["größe", "日本", "größe"], [0, 1, 0], ("größe", "日本")),
}


@pytest.mark.parametrize(("cells", "classes", "names"), TARGETS.values(), ids=TARGETS)
def test_texts_and_few_whole_numbers_are_classes(
    read: Read, cells: list[object], classes: list[int], names: tuple[str, ...]
) -> None:
    arrays = read(targets(*cells))
    assert (arrays.targets.tolist(), arrays.classes) == (classes, names)


@pytest.mark.parametrize(
    ("task", "cells", "has_classes"),
    [
        pytest.param("auto", range(20), True, id="auto: 20 whole numbers"),
        pytest.param("auto", range(21), False, id="auto: 21 whole numbers"),
        pytest.param("auto", [0.5, 1.5], False, id="auto: two numbers"),
        pytest.param("auto", map(chr, range(65, 90)), True, id="auto: 25 texts"),
        pytest.param("classification", range(21), True, id="classification: 21 whole numbers"),
        pytest.param("classification", [0.5, 1.5], True, id="classification: two numbers"),
        pytest.param("regression", [0, 1], False, id="regression: two whole numbers"),
    ],
)
def test_the_task_decides_between_classes_and_numbers(
    read: Read, task: str, cells: list[object], has_classes: bool
) -> None:
    assert read(targets(*cells), task=task).has_classes is has_classes


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        pytest.param([0, 1, 0], "y has 2 classes: classification", id="classes"),
        pytest.param([0.5, 1, 0], "y has 3 different values: regression", id="numbers"),
    ],
)
def test_a_task_that_was_guessed_is_said(
    read: Read, caplog: pytest.LogCaptureFixture, cells: list[object], said: str
) -> None:
    read(targets(*cells))
    assert caplog.messages == [f"data: {said} (data.task sets it otherwise)"]


def test_a_task_that_was_given_is_not_said(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    read(targets(0, 1, 0), task="classification")
    assert caplog.messages == []


def test_targets_keep_their_digits(read: Read) -> None:
    assert read(targets("1600000001.5", 0.1, 1.5)).targets.tolist() == [1600000001.5, 0.1, 1.5]


def test_rows_without_a_target_are_left_out_with_a_line(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    arrays = read(targets(0.5, "", 1.5, "NA"))
    assert (arrays.inputs[:, 0].tolist(), arrays.targets.tolist()) == ([0, 4], [0.5, 1.5])
    assert caplog.messages[0] == "data: 2 of 4 rows have no y; they are left out"


def test_columns_to_drop_are_left_out(read: Read) -> None:
    assert read(table("a,b,c,y", "1,2,3,0", "4,5,6,1"), drop=("a", "c")).columns == ("b",)


def test_na_values_are_missing(read: Read) -> None:
    arrays = read(column(1, "?", -999, 4), na_values=("?", -999))
    np.testing.assert_array_equal(arrays.inputs[:, 0], np.float32([1, nan, nan, 4]))


READABLE: dict[str, tuple[str | bytes, dict[str, Any]]] = {
    "utf-8": ("größe,y\n1,0\n2,1\n", {}),
    "latin-1": ("größe,y\n1,0\n2,1\n".encode("latin-1"), {"encoding": "latin-1"}),
    "utf-16": ("größe,y\n1,0\n2,1\n".encode("utf-16"), {"encoding": "utf-16"}),
    "a byte order mark": ("größe,y\n1,0\n2,1\n".encode("utf-8-sig"), {}),
    "a byte order mark before the target": ("y,größe\n0,1\n1,2\n".encode("utf-8-sig"), {"encoding": "UTF8"}),
    "semicolons": ("größe;y\n1;0\n2;1\n", {"separator": ";"}),
    "tabs": ("größe\ty\n1\t0\n2\t1\n", {"separator": "\t"}),
    "tabs as they are typed": ("größe\ty\n1\t0\n2\t1\n", {"separator": r"\t"}),
    "lines of Windows": ("größe,y\r\n1,0\r\n2,1\r\n", {}),
    "blank lines between": ("größe,y\n\n1,0\n\n2,1\n\n", {}),
    "blank lines before": ("\n\ngröße,y\n1,0\n2,1\n", {}),
    "blanks after separators": ("größe, y\n1, 0\n2, 1\n", {}),
    "blanks round names": (" größe , y \n1,0\n2,1\n", {}),
    "quoted names": ('"größe","y"\n1,0\n2,1\n', {}),
    "quoted names after blanks": ('"größe", "y"\n1, 0\n2, 1\n', {}),
    "a separator at the end of each row": ("größe,y\n1,0,\n2,1,\n", {}),
}


@pytest.mark.parametrize(("content", "keys"), READABLE.values(), ids=READABLE)
def test_tables_are_read_that_have(read: Read, content: str | bytes, keys: dict[str, Any]) -> None:
    arrays = read(content, **keys)
    assert (arrays.columns, arrays.inputs.tolist(), arrays.classes) == (("größe",), [[1], [2]], ("0", "1"))


def test_columns_may_be_called_by_numbers(read: Read) -> None:
    assert read(table("0,1,2", "1,5,0", "2,6,1"), target=2, drop=(1,)).columns == ("0",)


PATHS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (Path.mkdir, "a file; got {path}, which is a folder"),
    "missing": (lambda path: None, "a file; got {path}, which is not there"),
    "empty": (Path.touch, "a file with something in it; got {path}, which is empty"),
}


@pytest.mark.parametrize("source", [Csv, Npz], ids=["csv", "npz"])
@pytest.mark.parametrize(("make", "message"), PATHS.values(), ids=PATHS)
def test_a_path_is_refused_that_is(
    path: Path, source: type[Csv | Npz], make: Callable[[Path], object], message: str
) -> None:
    make(path)
    keys = ("y", "auto", (), ",", "utf-8", (), 50) if source is Csv else ()
    with pytest.raises(UserError, match=rf"^data\.path must be {re.escape(message.format(path=path))}$"):
        source(str(path), *keys).load()


# The message, after the path where it is PATH.
REFUSED: dict[str, tuple[str | bytes, dict[str, Any], str]] = {
    "a header alone": ("x,y\n", {}, "data.path must have rows with a y; got PATH, which has none"),
    "no target in any row": (targets("", ""), {}, "data.path must have rows with a y; got PATH, which has none"),
    "one row": ("x,y\n1,2\n", {}, "data.target must have something to predict; got y, whose only value is 2"),
    "one class": (targets("a", "a"), {}, "data.target must have something to predict; got y, whose only class is a"),
    "blank lines alone": ("\n\n", {}, "data.target must be a column of PATH; got 'y'"),
    "a misspelled target": (
        "x,label\n1,0\n",
        {"target": "lable"},
        "data.target must be a column of PATH; got 'lable'; did you mean label? options: label, x",
    ),
    "a target that is a number": (
        "x,y\n1,0\n",
        {"target": 1},
        "data.target must be a column of PATH; got '1'; options: x, y",
    ),
    "a misspelled column to drop": (
        "width,y\n1,0\n",
        {"drop": ("widht",)},
        "data.drop must be a column of PATH; got 'widht'; did you mean width? options: width, y",
    ),
    "the target to drop": ("x,y\n1,0\n", {"drop": ("y",)}, "data.drop must leave the target in; got 'y'"),
    "nothing but the target": (
        "y\n0\n1\n",
        {},
        "data.path must have a column beside y to learn from; got PATH",
    ),
    "all columns dropped": (
        column(1, 2),
        {"drop": ("x",)},
        "data.path must have a column beside y to learn from; got PATH",
    ),
    "a name twice": ("x,a,x,y\n1,2,3,0\n", {}, "data.path must have each column once; got PATH with 'x' repeated"),
    "a name twice but for blanks": (
        "x,a,x ,y\n1,2,3,0\n",
        {},
        "data.path must have each column once; got PATH with 'x' repeated",
    ),
    "texts for missing numbers": (
        column(1, "?", 2, "-", 3, 4, "?"),
        {},
        "data.path: column x has numbers, but '?', '-' in 3 of 7 rows; ",
    ),
    "texts for missing numbers below a name with a line break": (
        '"a\nb",y\n1,0\n2,1\n?,0\n',
        {},
        "data.path: column a",
    ),
    "regression of texts": (
        targets("a", 1, 2),
        {"task": "regression"},
        "data.path: column y has numbers, but 'a' in 1 of 3 rows; \"data.na_values=['a']\" reads them as missing",
    ),
    "regression of classes": (
        targets("a", "b", "a"),
        {"task": "regression"},
        "data.task=regression needs numbers in y; got 'a'",
    ),
    "regression of truth values": (
        targets("True", "False"),
        {"task": "regression"},
        "data.task=regression needs numbers in y; got 'True'",
    ),
    "a stray sign among classes": (
        targets("no", "yes", "?", "no"),
        {},
        "data.target: column y has '?' in 1 of 4 rows, which is no class; \"data.na_values=['?']\" leaves these rows "
        "out",
    ),
    "a stray sign among classes that are numbers": (
        targets(0, 1, "?", 0),
        {"task": "classification"},
        "data.target: column y has '?' in 1 of 4 rows, which is no class; ",
    ),
    "a stray sign among numbers to predict": (
        targets(0.5, 1, "?", 0),
        {},
        "data.path: column y has numbers, but '?' in 1 of 4 rows; \"data.na_values=['?']\" reads them as missing, "
        "data.task=classification makes a class of each",
    ),
    "texts that hold numbers": (
        column(1, 2, "12kg", "?", 3, 5),
        {},
        "data.path: column x has numbers, but '12kg' too, of texts in 2 of 6 rows; make plain numbers of them in the "
        "file, \"data.drop=['x']\" leaves the column out",
    ),
    "one sign for decimals and thousands": (
        column(1, 2),
        {"thousands": "."},
        "data.thousands must be another sign than data.decimal; got '.' for both",
    ),
    "first values as names of columns": (
        "5.1,3.5,a\n4.9,3.0,b\n",
        {"target": 2},
        "data.target must be a column of PATH; got '2'; options: 3.5, 5.1, a; if the file has no header: "
        "data.header=null calls its columns 0, 1, 2, ...",
    ),
    "first values as names of columns, one twice": (
        "1.4,0.2,0.2\n4.9,3.0,1\n",
        {"target": 2},
        "data.path must have each column once; got PATH with '0.2' repeated: rename one of them; if the file has no ",
    ),
    "two signs as separator": (
        "x,y\n1,0\n",
        {"separator": ",,"},
        "data.separator must split the header of PATH; got ',,'",
    ),
    "no separator": ("x,y\n1,0\n", {"separator": ""}, "data.separator must split the header of PATH; got ''"),
    "latin-1 in the header": (
        "größe,y\n1,0\n".encode("latin-1"),
        {},
        "data.encoding must be that of PATH; got 'utf-8' ('utf-8' codec can't decode byte 0xf6",
    ),
    "latin-1 in a late row": (
        (column(*["a"] * 30_000) + "größe,0\n").encode("latin-1"),
        {},
        "data.encoding must be that of PATH; got 'utf-8' ('utf-8' codec can't decode byte 0xf6",
    ),
    "an unknown encoding": (
        "x,y\n1,0\n",
        {"encoding": "utf-9"},
        "data.encoding must be that of PATH; got 'utf-9' (unknown encoding: utf-9); often it is latin-1 or cp1252",
    ),
    "another encoding": ("x,y\n1,0\n", {"encoding": "utf-16"}, "data.encoding must be that of PATH; got 'utf-16'"),
    "each row longer than the header": ("x,y\n1,0,5\n2,1,5\n", {}, "data.path must be a table; got PATH"),
    "one row longer than the header": (
        "x,y\n1,0\n2,1\n3,0,5\n4,1\n",
        {},
        "data.path must be a table; got PATH: Error tokenizing data. C error: Expected 2 fields in line 4, saw 3",
    ),
    "a quote that is not closed": ('x,y\n1,0\n"2,1\n3,0\n', {}, "data.path must be a table; got PATH: "),
    "a quote in the header that is not closed": ('"x,y\n1,0\n', {}, "data.target must be a column of PATH; got 'y'"),
}


@pytest.mark.parametrize(("content", "keys", "message"), REFUSED.values(), ids=REFUSED)
def test_a_table_is_refused_in_one_line_that_has(
    read: Read, path: Path, content: str | bytes, keys: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message.replace('PATH', str(path)))}") as refused:
        read(content, **keys)
    assert "\n" not in str(refused.value)


def typed(text: str, key: str) -> Any:
    """Return the value that an override inside a text has once it went through the shell and through Hydra."""
    found = re.search(rf"""([\"']?)data\.{key}=(\[.*?\]|'.*?'|".*?")\1""", text)
    assert found is not None
    (override,) = shlex.split(found[0])
    return OverridesParser.create().parse_override(override).value()


@pytest.mark.parametrize("separator", [";", "|", "\t", ","], ids=["semicolon", "bar", "tab", "comma"])
def test_the_separator_that_a_line_proposes_can_be_typed(read: Read, separator: str) -> None:
    content = column(1, 2, 3).replace(",", separator)
    with pytest.raises(UserError, match=r"got 'y'; options: x.y; is it .*data\.separator=.+\?$") as refused:
        read(content, separator=";" if separator == "," else ",")
    assert read(content, separator=typed(str(refused.value), "separator")).columns == ("x",)


@pytest.mark.parametrize("text", ["?", "-", "n.a.", "it's", 'a "b"'])
def test_the_na_values_that_a_line_proposes_can_be_typed(read: Read, text: str) -> None:
    content = column(1, 2, '"{}"'.format(text.replace('"', '""')), 3)
    with pytest.raises(UserError, match=rf"^data\.path: column x has numbers, but .*{re.escape(text)}") as refused:
        read(content)
    arrays = read(content, na_values=typed(str(refused.value), "na_values"))
    np.testing.assert_array_equal(arrays.inputs[:, 0], np.float32([1, 2, nan, 3]))


@pytest.mark.parametrize("name", ["id", "", "row no. (a)", "it's"])
def test_the_column_to_drop_that_a_line_proposes_can_be_typed(
    read: Read, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    content = table(f"{name},x,y", *(f"{row},{row**2},{row % 2}" for row in range(30)))
    read(content)
    (line,) = (message for message in caplog.messages if "numbers the rows" in message)
    assert read(content, drop=typed(line, "drop")).columns == ("x",)


# Cells, how they are named in a line, what reads them, and as what.
SIGNS: dict[str, tuple[list[str], str, dict[str, str], list[float]]] = {
    "decimal commas": (["1,5", "2", "-3,25"], "','", {"decimal": ","}, [1.5, 2, -3.25]),
    "a minus of print": (["1,5", "2", "\u22123,25"], "','", {"decimal": ","}, [1.5, 2, -3.25]),
    "decimal commas and points": (
        *(["1.234,5", "2.000.000", "7"], "',', '.'", {"decimal": ",", "thousands": "."}),
        [1234.5, 2000000, 7],
    ),
    "thousands, some with decimals": (["1,234.5", "2,000", "7"], "','", {"thousands": ","}, [1234.5, 2000, 7]),
    "Indian groups": (["12,34,567", "2,000", "7"], "','", {"thousands": ","}, [1234567, 2000, 7]),
    "thousands": (["1,234", "2,000", "7"], "','", {"thousands": ","}, [1234, 2000, 7]),
    "Swiss thousands": (["1'234.5", "2\u2019000", "7"], '"\'"', {"thousands": "'"}, [1234.5, 2000, 7]),
    "blanks": (["1 234", "2\u00a0000", "7"], "' '", {"thousands": " "}, [1234, 2000, 7]),
    "narrow blanks and commas": (
        *(["1\u202f234,5", "2\u202f000", "7"], "',', ' '", {"decimal": ",", "thousands": " "}),
        [1234.5, 2000, 7],
    ),
}


@pytest.mark.parametrize("name", ["input", "target"])
@pytest.mark.parametrize(("cells", "sign", "keys", "values"), SIGNS.values(), ids=SIGNS)
def test_numbers_with_signs_are_read_by_the_keys_that_a_line_proposes(
    read: Read, name: str, cells: list[str], sign: str, keys: dict[str, str], values: list[float]
) -> None:
    quoted = [f'"{cell}"' for cell in cells]
    content = column(*quoted) if name == "input" else targets(*quoted)
    with pytest.raises(UserError, match=rf"^data\.path: column . has numbers with {re.escape(sign)} in ") as refused:
        read(content, task="classification" if name == "input" else "regression")
    assert "na_values" not in str(refused.value)
    assert {key: typed(str(refused.value), key) for key in keys} == keys
    arrays = read(content, task="classification" if name == "input" else "regression", **keys)
    np.testing.assert_array_equal(arrays.inputs[:, 0] if name == "input" else arrays.targets, values)


def test_a_sign_that_may_be_two_things_has_a_line_for_both(read: Read) -> None:
    with pytest.raises(UserError, match=r"\"data\.thousands=','\" reads them, \"data\.decimal=','\" if '1,234' has "):
        read(column('"1,234"', 5, 6))


@pytest.mark.parametrize(
    ("cells", "signs"),
    [
        pytest.param(["$1,234", "$5", "$7"], "'$', ','", id="dollars"),
        pytest.param(["1.234,50 EUR", "2,00 EUR", "3,00 EUR"], "'EUR', ',', '.'", id="euros"),
        pytest.param(["R$ 5", "R$ 6", "R$ 7.5"], "'R$'", id="dollars of a country"),
        pytest.param(["5 K\u010d", "6 K\u010d", "7 K\u010d"], "'K\u010d'", id="crowns"),
        pytest.param(["12%", "5%", "7.5 %"], "'%'", id="percent"),
        pytest.param(["12%", "5", "7.5"], "'%'", id="percent in one row"),
        pytest.param(["(123)", "5", "7.5"], "'(', ')'", id="brackets for a minus"),
        pytest.param([">100", "5", "7.5"], "'>'", id="a bound among numbers"),
    ],
)
def test_signs_that_no_key_reads_are_named_and_never_left_out(read: Read, cells: list[str], signs: str) -> None:
    content = column(*(f'"{cell}"' for cell in cells))
    expected = (
        rf"^data\.path: column x has numbers with {re.escape(signs)} in .*; make plain numbers of them in the file"
    )
    with pytest.raises(UserError, match=expected) as refused:
        read(content)
    assert "na_values" not in str(refused.value)


def test_decimal_points_in_a_table_of_decimal_commas_are_named(read: Read) -> None:
    with pytest.raises(UserError, match=r"column x has numbers with '\.' in 30 of 30 rows"):
        read(column(*(f"{number}.5" for number in range(30))), decimal=",")


def test_numbers_with_a_unit_are_told(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    read(table("x,z,y", *(f"{row} km,1.5,{row % 2}" for row in range(30))))
    assert "numbers of km perhaps (make plain numbers of them in the file)" in caplog.text


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(["10-20", "20-30", "10-20", "30-40", "20-30"], id="ranges"),
        pytest.param(["4WD", "2WD", "4WD", "2WD", "4WD"], id="digits before letters"),
        pytest.param(["A1", "B2", "A1", "B2", "B2"], id="letters before digits"),
        pytest.param([">7", ">8", "Norm", ">7", ">8"], id="bounds alone"),
        pytest.param(["12:30", "12:30", "13:00", "13:00", "12:30"], id="times"),
    ],
)
def test_texts_with_digits_are_categories(read: Read, cells: list[str]) -> None:
    assert read(column(*cells)).categories == {0: tuple(sorted(set(cells)))}


def test_words_for_missing_can_be_values(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    content = table("kind,x,y", *(f"{kind},{x},{y}" for x, (kind, y) in enumerate([("NA", "None"), ("a", "b")] * 3)))
    content += "b,7,c\nb,8,c\n"
    arrays = read(content)
    assert (len(arrays.targets), arrays.classes, arrays.categories) == (5, ("b", "c"), {0: ("a", "b")})
    assert caplog.messages[:2] == [
        "data: 3 of 8 rows have no y; they are left out",
        "data: y has 'None' in 3 rows, read as missing; data.keep_default_na=false reads them as they are",
    ]
    assert any(message.startswith("data: column kind has 'NA' in 3 of ") for message in caplog.messages)
    caplog.clear()
    arrays = read(content, keep_default_na=False)
    assert (len(arrays.targets), arrays.classes, arrays.categories) == (8, ("None", "b", "c"), {0: ("NA", "a", "b")})
    assert caplog.messages == ["data: y has 3 classes: classification (data.task sets it otherwise)"]


def test_an_empty_cell_is_missing_whatever_its_column_holds(read: Read) -> None:
    arrays = read(table("a,b,y", '1,"  ",0', ",u,1", "2,v,0"), keep_default_na=False)
    np.testing.assert_array_equal(arrays.inputs, [[1, nan], [nan, 0], [2, 1]])


def test_rows_with_a_stray_sign_as_target_are_left_out_if_it_means_missing(
    read: Read, caplog: pytest.LogCaptureFixture
) -> None:
    arrays = read(targets("no", "yes", "?", "no"), na_values=("?",))
    assert (arrays.inputs[:, 0].tolist(), arrays.classes) == ([0, 1, 9], ("no", "yes"))
    assert caplog.messages[0] == "data: 1 of 4 rows have no y; they are left out"


@pytest.mark.parametrize("keys", [{}, {"decimal": ","}], ids=["points", "commas"])
@pytest.mark.parametrize("cell", ["-999", "-999.0", " -999 "])
def test_a_number_that_means_missing_may_be_written_in_any_way(read: Read, cell: str, keys: dict[str, str]) -> None:
    sign = keys.get("decimal", ".")
    cells = [f'"{text.replace(".", sign)}"' for text in (cell, "1.5", "2")]
    np.testing.assert_array_equal(read(column(*cells), na_values=(-999,), **keys).inputs[:, 0], [nan, 1.5, 2])


def test_a_stray_sign_among_categories_is_told(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    assert read(column("a", "?", "b", "a", "b", "a")).categories == {0: ("?", "a", "b")}
    line = (
        "data: column x has '?' in 1 of 6 rows, as a category of its own; \"data.na_values=['?']\" reads it as missing"
    )
    assert line in caplog.messages


@pytest.mark.parametrize(
    ("header", "content"),
    [
        pytest.param(None, "5.1,3.5,a\n4.9,3.0,b\n", id="none"),
        pytest.param(2, "flowers\n\nof a garden\n0,1,2\n5.1,3.5,a\n4.9,3.0,b\n", id="in the third line"),
    ],
)
def test_the_header_may_be_elsewhere(
    read: Read, caplog: pytest.LogCaptureFixture, header: int | None, content: str
) -> None:
    arrays = read(content, target=2, header=header)
    assert (arrays.columns, arrays.inputs.tolist()) == (("0", "1"), [[5.1, 3.5], [4.9, 3.0]])
    assert not any("data.header=null" in message for message in caplog.messages)


def test_names_that_are_values_are_told(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    read("5.1,3.5,1.4\n4.9,3.0,1.3\n", target=None)
    assert caplog.messages == [
        "data: names of columns are numbers (5.1, 3.5, 1.4); if the file has no header: data.header=null calls its "
        "columns 0, 1, 2, ..."
    ]


def test_a_counter_is_told_if_rows_are_left_out(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    read(table("id,x,y", *(f"{row},{row**2},{row % 2 if row % 3 else ''}" for row in range(60))))
    assert any(message.startswith("data: column id numbers the rows; ") for message in caplog.messages)


@pytest.mark.parametrize(
    ("texts", "is_left_out"),
    [
        pytest.param("abcde", True, id="five rows"),
        pytest.param("abcdefghii", True, id="one twice"),
        pytest.param("abcdefghhh", False, id="one three times"),
        pytest.param("abcd", False, id="too few to tell"),
    ],
)
def test_a_text_of_its_own_in_nearly_every_row_is_left_out(
    read: Read, caplog: pytest.LogCaptureFixture, texts: str, is_left_out: bool
) -> None:
    arrays = read(table("name,x,y", *(f"{text},{row**2},{row % 2}" for row, text in enumerate(texts))))
    assert (arrays.columns == ("x",)) is is_left_out
    assert any("a text of its own in nearly every row" in message for message in caplog.messages) is is_left_out
