"""Points of another study: which of its trials are its best few."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tunesmith.errors import UserError
from tunesmith.run_folder import write_yaml
from tunesmith.search.points.sources import read_source
from tunesmith.search.results import RESULTS_FILE
from tunesmith.search.trials_table import TRIALS_FILE

OLD = ("number", "state", "value", "tags")
STAGED = ("number", "stage", "state", "value", "tags")


def study_of(folder: Path, columns: tuple[str, ...], *rows: tuple[Any, ...], **results: Any) -> Path:
    lines = [",".join(map(str, row)) for row in (columns, *rows)]
    (folder / TRIALS_FILE).write_text("\n".join(lines) + "\n")
    write_yaml(folder / RESULTS_FILE, results)
    return folder


def best_few(folder: Path, n: int = 9) -> list[dict[str, Any]]:
    return [dict(point.values) for point in read_source(f"{folder}:{n}", Path())]


@pytest.mark.parametrize(("direction", "best"), [("minimize", [1, 2]), ("maximize", [3, 2])])
def test_the_results_say_which_end_is_the_best(tmp_path: Path, direction: str, best: list[int]) -> None:
    rows = [(number, "a", "COMPLETE", number / 2, "", number) for number in (1, 2, 3)]
    folder = study_of(tmp_path, (*STAGED, "x"), *rows, directions=[direction], best_value=1.0, best_trial=2)
    assert best_few(folder, 2) == [{"x": str(x)} for x in best]


def test_trials_that_break_a_constraint_are_not_among_them(tmp_path: Path) -> None:
    columns = ("number", "stage", "state", "value", "infeasible", "tags", "x")
    values = [(9, "size <= 3"), (5, ""), (6, "")]
    rows = [(number, "", "COMPLETE", *pair, "", number) for number, pair in enumerate(values)]
    folder = study_of(tmp_path, columns, *rows, directions=["maximize"], best_value=6.0, best_trial=2)
    assert best_few(folder) == [{"x": "2"}, {"x": "1"}]


def test_trials_of_another_stage_are_not_among_them(tmp_path: Path) -> None:
    trials = [("part", 0.1), ("all", 0.5), ("all", 0.4)]
    rows = [(number, stage, "COMPLETE", value, "", number) for number, (stage, value) in enumerate(trials)]
    folder = study_of(tmp_path, (*STAGED, "x"), *rows, directions=["minimize"], best_value=0.4, best_trial=2)
    assert best_few(folder) == [{"x": "2"}, {"x": "1"}]


def test_columns_of_results_are_no_keys(tmp_path: Path) -> None:
    columns = ("number", "stage", "state", "value", "value_1", "infeasible", "tags", "x")
    path = study_of(tmp_path, columns, (0, "", "COMPLETE", 1, 2, "", "", 4)) / TRIALS_FILE
    (point,) = read_source(str(path), Path())
    assert point.values == {"x": "4"}


@pytest.mark.parametrize("text", ["", "nan", "five"])
def test_a_trial_without_a_number_is_not_among_them(tmp_path: Path, text: str) -> None:
    rows = [(0, "COMPLETE", text, "", 0), (1, "COMPLETE", 2, "", 1)]
    assert best_few(study_of(tmp_path, (*OLD, "x"), *rows, best_value=2.0)) == [{"x": "1"}]


@pytest.mark.parametrize(
    ("columns", "row", "results", "message"),
    [
        pytest.param(OLD, (0, "COMPLETE", 1, ""), {"solutions": []}, "must be a study of one objective", id="several"),
        pytest.param(OLD, (0, "FAIL", "", ""), {}, "of a study that has complete ones", id="none complete"),
        pytest.param(("a", "b"), (1, 2), {}, "of trials of a study that has complete ones", id="no table of trials"),
        pytest.param(OLD, (0, "COMPLETE"), {}, "must be a CSV file with a header", id="a torn row"),
    ],
)
def test_a_study_without_a_best_trial_is_refused(
    tmp_path: Path, columns: tuple[str, ...], row: tuple[Any, ...], results: Any, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        best_few(study_of(tmp_path, columns, row, **results))


def test_a_number_in_other_digits_is_part_of_the_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no first:²"):
        read_source("first:²", tmp_path)


@pytest.mark.parametrize("text", ["- 1", "a: 5"])
def test_results_that_name_no_best_trial(tmp_path: Path, text: str) -> None:
    (tmp_path / RESULTS_FILE).write_text(text)
    with pytest.raises(UserError, match="must be the folder of a study with a best trial"):
        read_source(str(tmp_path), Path())
