"""What is found in a data set before the first step, as it is cut and prepared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tunesmith.data.array_data import ArrayData
from tunesmith.data.arrays import Arrays
from tunesmith.data.data_checks import describe_checks, find_checks
from tunesmith.data.mapped import Mapped
from tunesmith.data.sources.sklearn_dataset import SklearnDataset
from tunesmith.data.sources.teaching import Quadratic, Xor
from tunesmith.data.table_columns import DateColumn, TableColumns

KEYS: dict[str, Any] = {
    **{"batch_size": 32, "shuffle": True, "val_fraction": 0.2, "test_fraction": 0.2, "split_seed": 0},
    **{"folds": None, "fraction": 1.0, "scale": "standard", "scale_targets": True, "missing": "impute"},
    **{"class_weights": None, "augmentation": {"rotation": 0, "shift": 0, "scale": 0, "flip": 0}, "seed": 0},
}
ROWS = 300
RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.normal(size=(ROWS, 5))
SCORE = INPUTS @ [1, 1, -1, 1, 0] + 0.5 * RANDOM.normal(size=ROWS)
CLASSES = np.digitize(SCORE, [-1, 1])
LATE = np.arange(ROWS) >= 180  # validation and test part, if parts are cut by time
BY_TIME = {"split": "time"}
GROUPS = {"groups": RANDOM.integers(0, 30, ROWS)}


@dataclass(frozen=True, eq=False)
class Given:
    """A source that returns what it is given; each is a data set of its own."""

    arrays: Arrays

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def load(self) -> Arrays:
        return self.arrays


def cut(inputs: NDArray[Any], targets: NDArray[Any] = CLASSES, named: dict[str, Any] | None = None, **keys: Any) -> Any:
    return ArrayData(lambda: Given(Arrays(inputs, targets, **(named or {}))), **{**KEYS, **keys})


def names(data: ArrayData) -> list[str]:
    return [check.name for check in find_checks(data)]


def doubled(inputs: NDArray[Any]) -> NDArray[Any]:
    """Let the last third of the rows be those of the first."""
    return np.concatenate([inputs[: 2 * len(inputs) // 3], inputs[: len(inputs) // 3]])


def with_gaps(inputs: NDArray[Any]) -> NDArray[Any]:
    return np.where(RANDOM.random(inputs.shape) < 0.05, np.nan, inputs)


def coarse(num_values: int, width: int) -> NDArray[np.float64]:
    return RANDOM.integers(0, num_values, (ROWS, width)).astype(float)


CODED = {"categories": {column: tuple("abcdef") for column in range(4)}, "columns": tuple("pqrs")}
LEAK = {"categories": {0: ("low", "high", "none")}, "columns": tuple("abcdel"[::-1])}
LEAKING = np.column_stack([np.array([2, 0, 1])[CLASSES], INPUTS])

PLANTS: dict[str, tuple[str, Any]] = {
    "copies": ("duplicates", lambda: cut(doubled(INPUTS))),
    "copies with gaps": ("duplicates", lambda: cut(doubled(with_gaps(INPUTS)))),
    "copies of images": ("duplicates", lambda: cut(doubled(RANDOM.normal(size=(ROWS, 1, 4, 4))))),
    "copies of tokens": ("duplicates", lambda: cut(doubled(RANDOM.integers(0, 999, (ROWS, 8))))),
    "copies of many targets": ("duplicates", lambda: cut(doubled(INPUTS), INPUTS[:, :2])),
    "all columns move": ("shift", lambda: cut(INPUTS + 1.5 * LATE[:, None], **BY_TIME)),
    "one column moves": ("shift", lambda: cut(INPUTS + 2 * LATE[:, None] * (np.arange(5) == 2), **BY_TIME)),
    "the target moves": ("shift", lambda: cut(INPUTS, np.sort(SCORE), **BY_TIME)),
    "images move": ("shift", lambda: cut(RANDOM.normal(size=(ROWS, 1, 4, 4)) + LATE.reshape(-1, 1, 1, 1), **BY_TIME)),
    "a column of the target": ("give_away", lambda: cut(np.column_stack([INPUTS, SCORE]), SCORE)),
    "a category of the target": ("give_away", lambda: cut(LEAKING, named=LEAK)),
    "sorted classes": (
        "unshuffled",
        lambda: cut(INPUTS, np.sort(CLASSES), GROUPS, split="group", shuffle=False),
    ),
    "sorted numbers": (
        "unshuffled",
        lambda: cut(INPUTS, np.sort(SCORE), GROUPS, split="group", shuffle=False),
    ),
}

DATED = {
    "columns": ("day.elapsed", *"abcd"),
    "table": TableColumns(dates={"day": DateColumn("iso", ("elapsed",), "2026-01-01")}),
}
ELAPSED = np.column_stack([np.cumsum(RANDOM.exponential(size=ROWS)), INPUTS[:, 1:]])
HEALTHY: dict[str, Any] = {
    "numbers": lambda: cut(INPUTS, SCORE),
    "gaps": lambda: cut(with_gaps(INPUTS)),
    "few values": lambda: cut(coarse(3, 6)),
    "zeros and ones": lambda: cut(coarse(2, 9)),
    "categories": lambda: cut(coarse(6, 4), named=CODED),
    "one input": lambda: cut(INPUTS[:, :1], INPUTS[:, 0]),
    "constants": lambda: cut(np.column_stack([INPUTS, np.ones(ROWS)])),
    "row numbers": lambda: cut(np.column_stack([np.arange(ROWS), INPUTS]), **BY_TIME),
    "dates": lambda: cut(ELAPSED, named=DATED, **BY_TIME),
    "groups that differ": lambda: cut(
        INPUTS + np.repeat(2 * RANDOM.normal(size=(6, 5)), 50, axis=0),
        named={"groups": np.repeat(np.arange(6), 50)},
        split="group",
    ),
    "sorted but shuffled": lambda: cut(INPUTS, np.sort(CLASSES), GROUPS, split="group"),
    "one batch": lambda: cut(INPUTS, np.sort(SCORE), GROUPS, split="group", shuffle=False, batch_size=ROWS),
    "inputs as targets": lambda: ArrayData(lambda: Given(Arrays(INPUTS, SCORE)), **KEYS, targets="inputs"),
    "many classes a sample": lambda: cut(INPUTS, RANDOM.integers(0, 3, (ROWS, 4))),
    "token ids": lambda: cut(RANDOM.integers(0, 999, (ROWS, 8))),
    "iris": lambda: ArrayData(SklearnDataset, name="iris", **KEYS),
    "xor": lambda: ArrayData(Xor, samples_per_class=100, test_samples=100, sigma=0.3, **KEYS),
    "one value": lambda: ArrayData(Quadratic, samples=ROWS, **KEYS),
    "folds": lambda: cut(INPUTS, folds=3, fold=1),
    "a refit": lambda: cut(INPUTS, train_on_val=True),
}


@pytest.mark.parametrize(("name", "data"), PLANTS.values(), ids=PLANTS)
def test_what_is_wrong_is_found_first(name: str, data: Any) -> None:
    assert names(data())[:1] == [name]


@pytest.mark.parametrize("data", HEALTHY.values(), ids=HEALTHY)
def test_healthy_data_are_left_alone(data: Any) -> None:
    assert names(data()) == []


def test_a_finding_says_numbers_and_rule() -> None:
    (check,) = find_checks(cut(LEAKING, named=LEAK))
    assert check.text.startswith("give-away: column l alone tells 100.0 % of the target, the next best one ")
    assert check.text.endswith(" %: is it known before the target is?")
    assert (check.evidence["column"], check.evidence["score"]) == ("l", 1)
    assert check.threshold == "a column that tells more than 98 %, where the next one tells less than 95 %"


def test_a_shift_names_part_and_column() -> None:
    data = cut(INPUTS + 2 * LATE[:, None] * (np.arange(5) == 2), named={"columns": tuple("abcde")}, **BY_TIME)
    (check,) = find_checks(data)
    assert (check.evidence["column"], check.evidence["part"]) in (("c", "validation"), ("c", "test"))
    assert check.text.startswith("shift: the mean of column c in the ")
    assert describe_checks(data)["shift"]["column"] == "c"


def test_a_column_of_a_name_that_steers_a_console_is_shown_harmlessly() -> None:
    inputs = np.column_stack([INPUTS, SCORE])
    (check,) = find_checks(cut(inputs, SCORE, {"columns": (*"abcde", "\x1b[2Jx")}))
    assert check.text.startswith(r"give-away: column \x1b[2Jx alone tells 100.0 %")


def test_numbers_are_there_without_a_finding() -> None:
    facts = describe_checks(cut(INPUTS, named={"columns": tuple("abcde")}))
    assert facts["checks"] == []
    assert facts["duplicates"] == {"part": "val", "rows": 0, "share": 0, "twins": 0, "neighbours": 0}
    assert facts["give_away"]["column"] in "abcd"
    assert 0 < facts["shift"]["ratio"] < 1
    assert facts["order"] == {"is_shuffled": True, "changes": pytest.approx(1, abs=0.2)}


def test_rows_in_a_file_are_compared_by_some_of_them(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", INPUTS + 1.5 * LATE[:, None])
    mapped: Any = Mapped(np.load(tmp_path / "x.npy", mmap_mode="r"), np.dtype(np.float64))
    data = cut(mapped, split="time", missing="refuse")
    facts = describe_checks(data)
    assert (facts["duplicates"], facts["give_away"]) == (None, None)
    assert names(data) == ["shift"]


def test_parts_are_measured_once() -> None:
    data = cut(INPUTS)
    assert data.splits.measures is data.splits.measures
