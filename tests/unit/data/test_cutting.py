"""Parts and folds by time and by group; random ones are in test_splits.py."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
import pytest

from tunesmith.data.arrays import Arrays
from tunesmith.data.cutting import SplitConfig, cut
from tunesmith.errors import UserError

RAW = SplitConfig(
    **{"val_fraction": 0.2, "test_fraction": 0.2, "seed": 0, "folds": None, "fold": None, "fraction": 1.0},
    **{"scale": "none", "scale_targets": False, "missing": "refuse"},
)
# When each of 100 samples was taken: sample 37 first, then 74, ...
ORDER = np.arange(100) * 73 % 101.0
# 20 groups of five samples, which lie apart.
GROUPS = np.arange(100) % 20


def arrays(has_classes: bool = True, **fields: Any) -> Arrays:
    targets = np.arange(100) // 5 % 2 if has_classes else np.arange(100, dtype=np.float32)
    return Arrays(np.arange(100, dtype=np.float32)[:, None], targets, **fields)


def parts(given: Arrays, **changes: Any) -> list[list[int]]:
    return [index.tolist() for index in cut(given, replace(RAW, **changes))]


def by_time(sample: int) -> float:
    return float(ORDER[sample])


def test_the_last_samples_in_time_are_the_test_part_and_those_before_them_validate() -> None:
    train, val, test = parts(arrays(order=ORDER), split="time", val_fraction=0.3, test_fraction=0.1)
    assert train + val + test == sorted(range(100), key=by_time)
    assert [len(train), len(val), len(test)] == [60, 30, 10]


def test_rows_of_unknown_times_are_in_order_as_they_lie() -> None:
    assert [*chain(*parts(arrays(), split="time"))] == list(range(100))


def test_samples_of_the_same_time_keep_their_order() -> None:
    days = np.arange(100) % 3.0
    expected = [*range(0, 100, 3), *range(1, 100, 3), *range(2, 100, 3)]
    assert [*chain(*parts(arrays(order=days), split="time"))] == expected


def test_a_fraction_of_a_training_part_in_time_needs_no_second_sample_of_each_class() -> None:
    rare = Arrays(np.zeros((100, 1), np.float32), 2 * (np.arange(100) == 30) + (np.arange(100) > 50))
    train, _, _ = parts(rare, split="time", fraction=0.5)
    assert len(train) == 30


def test_the_datas_own_test_part_stays_when_the_others_are_cut_by_time() -> None:
    train, val, test = parts(arrays(order=ORDER, num_test=20), split="time", test_fraction=None, val_fraction=0.25)
    assert test == list(range(80, 100))
    assert train + val == sorted(range(80), key=by_time)
    assert len(val) == 20


def test_folds_in_time_train_on_all_that_lies_before_what_they_validate_on() -> None:
    in_time = sorted(range(100), key=by_time)
    folds = [parts(arrays(order=ORDER), split="time", folds=4, fold=fold) for fold in range(4)]
    for train, val, test in folds:
        assert train + val == in_time[: len(train) + len(val)]
        assert test == in_time[80:]
    assert [len(train) for train, _, _ in folds] == [16, 32, 48, 64]
    assert [len(val) for _, val, _ in folds] == [16, 16, 16, 16]


@pytest.mark.parametrize("changes", [{}, {"folds": 5, "fold": 2}, {"fraction": 0.5}], ids=["cut", "fold", "fraction"])
@pytest.mark.parametrize("has_classes", [True, False], ids=["classes", "numbers"])
def test_no_group_is_in_two_parts(changes: dict[str, Any], has_classes: bool) -> None:
    train, val, test = parts(arrays(has_classes, groups=GROUPS), split="group", **changes)
    groups = [{sample % 20 for sample in part} for part in (train, val, test)]
    assert sum(map(len, groups)) == len(set.union(*groups))
    assert all(groups)
    if not changes:
        assert sorted(train + val + test) == list(range(100))
        assert list(map(len, groups)) == [12, 4, 4]


def test_folds_of_groups_validate_on_each_sample_once() -> None:
    folds = [parts(arrays(groups=GROUPS), split="group", folds=4, fold=fold) for fold in range(4)]
    test = folds[0][2]
    assert sorted(sample for _, val, _ in folds for sample in val) == sorted({*range(100)} - {*test})


def test_another_seed_takes_other_groups() -> None:
    first, second = (parts(arrays(groups=GROUPS), split="group", seed=seed)[2] for seed in (0, 1))
    assert first != second


CANNOT_CUT: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "groups that are not there": ({}, {"split": "group"}, r"data\.split=group needs groups: data\.split_column names "),
    "time by texts": (
        {"groups": GROUPS},
        {"split": "time"},
        r"data\.split=time needs numbers or dates to sort by; got texts in data\.split_column$",
    ),
    "groups across the data's own test part": (
        {"groups": GROUPS, "num_test": 10},
        {"split": "group", "test_fraction": None},
        r"data\.split=group needs groups that are in one part each; got 10 that ",
    ),
    "fewer groups than parts": (
        {"groups": GROUPS // 10},
        {"split": "group", "val_fraction": 0.4, "test_fraction": 0.4},
        r"data\.val_fraction=0\.4 data\.test_fraction=0\.4 do not fit 1 groups$",
    ),
    "fewer groups than folds": (
        {"groups": GROUPS // 5},
        {"split": "group", "folds": 4, "fold": 0},
        r"data\.folds must leave each fold a sample; got 4 for 3 groups$",
    ),
    "fewer samples than folds in time": (
        {},
        {"split": "time", "folds": 80, "fold": 0},
        r"data\.folds must leave each fold a sample; got 80 for 79 samples after the first$",
    ),
    "no own test part": (
        {},
        {"split": "time", "test_fraction": None},
        r"data\.test_fraction must be a number in \(0, 1\) if the data has no test part; got null$",
    ),
}


@pytest.mark.parametrize(("fields", "changes", "message"), CANNOT_CUT.values(), ids=CANNOT_CUT)
def test_what_cannot_be_cut_is_refused(fields: dict[str, Any], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^{message}"):
        parts(arrays(**fields), **changes)


@pytest.mark.parametrize(
    "changes",
    [{}, {"split": "time"}, {"split": "group"}, {"folds": 4, "fold": 0}, {"test_fraction": None, "val_fraction": 0.5}],
    ids=str,
)
def test_training_may_take_in_the_validation_part_and_leaves_the_test_part_as_it_is(changes: dict[str, Any]) -> None:
    given = arrays(order=ORDER, groups=GROUPS, num_test=10)
    train, val, test = parts(given, **changes)
    both, none, same = parts(given, **changes, train_on_val=True)
    assert (sorted(both), none, same) == (sorted([*train, *val]), [], test)


def test_a_fraction_of_both_parts_is_that_of_what_trains() -> None:
    both, _, _ = parts(arrays(), train_on_val=True, fraction=0.5)
    assert len(both) == 40
