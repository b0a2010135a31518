"""Preflight: what a data set cannot be trained with, and what to beware of."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import ArrayLike

from tunesmith.data.arrays import Arrays
from tunesmith.data.preflight import check_samples, check_splits
from tunesmith.errors import UserError

ONES = np.where(np.arange(900) % 2, 1, -1)  # mean 0, deviation 1
INPUTS = np.stack([ONES] * 3, axis=1).astype(np.float32)
PIXELS = (1 + ONES).reshape(900, 1, 1, 1) * np.ones((1, 1, 2, 2))  # 0 or 2
NAMES = ("training", "validation", "test")
INDICES = np.arange(300), np.arange(300, 600), np.arange(600, 900)


def numbers(inputs: ArrayLike = INPUTS, **names: tuple[str, ...]) -> Arrays:
    return Arrays(np.array(inputs, np.float32), np.zeros(len(np.array(inputs)), np.float32), **names)


def classes(targets: ArrayLike, **names: tuple[str, ...]) -> Arrays:
    return Arrays(np.zeros((len(np.array(targets)), 1), np.float32), np.array(targets, np.int64), **names)


def found(arrays: Arrays, *, scale: str = "standard", indices: tuple[np.ndarray, ...] = INDICES) -> list[str]:
    train, val, test = indices
    return check_splits(arrays, arrays.inputs, (train, val, test), scale)


def with_targets(targets: ArrayLike, names: tuple[str, ...] = ()) -> Arrays:
    """Inputs of which there is nothing to say."""
    return Arrays(INPUTS, np.array(targets, np.int64), classes=names)


REFUSED: dict[str, tuple[Arrays, str]] = {
    "no sample": (numbers(np.zeros((0, 2))), "data must have a sample for each part, 3 at least; got 0"),
    "two samples": (classes([0, 1]), "data must have a sample for each part, 3 at least; got 2"),
    "one class": (
        classes([0, 0, 0], classes=("cat", "dog")),
        "data must have two classes or more to tell apart; got 3 samples of class cat",
    ),
    "a class of two samples": (
        classes([0, 0, 0, 1, 1]),
        "data must have 3 samples of each class at least, one a part; got 2 of class 1; leave them out or join classes",
    ),
    "a class without samples": (
        classes([0, 0, 0, 2, 2, 2]),
        "data must have 3 samples of each class at least, one a part; got 0 of class 1; ",
    ),
    "targets without a value": (
        Arrays(np.zeros((4, 1), np.float32), np.array([1, np.nan, np.inf, 2], np.float32)),
        "data must have a finite target for each sample; got 2 of 4 without one",
    ),
}


@pytest.mark.parametrize(("arrays", "message"), REFUSED.values(), ids=REFUSED)
def test_data_is_refused_that_has(arrays: Arrays, message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        check_samples(arrays)


@pytest.mark.parametrize(
    ("targets", "is_asked"),
    [
        pytest.param([0, 1, 2, 3, 4, 4], True, id="many"),
        pytest.param([0, 0, 0, 1], False, id="few"),
    ],
)
def test_many_small_classes_may_be_numbers(targets: list[int], is_asked: bool) -> None:
    with pytest.raises(UserError, match=r"^data must have 3 samples of each class") as refused:
        check_samples(classes(targets))
    assert ("data.task=regression?" in str(refused.value)) is is_asked


@pytest.mark.parametrize(
    "arrays",
    [
        pytest.param(classes([0, 0, 0, 1, 1, 1]), id="three samples of each class"),
        pytest.param(numbers([[1], [2], [3]]), id="three numbers"),
    ],
)
def test_data_can_be_enough_with(arrays: Arrays) -> None:
    check_samples(arrays)


@pytest.mark.parametrize("name", NAMES)
def test_a_part_without_samples_is_refused(name: str) -> None:
    indices = [np.arange(0) if split == name else index for split, index in zip(NAMES, INDICES, strict=True)]
    with pytest.raises(UserError, match=f"^data must leave the {name} part a sample; got none of 900$"):
        found(numbers(), indices=tuple(indices))


def test_a_training_part_without_a_class_is_refused() -> None:
    arrays = with_targets([0] * 150 + [1] * 150 + [0] * 300 + [2] * 300, ("cat", "dog", "cow"))
    with pytest.raises(UserError, match=r"^data must leave the training part samples of each class; got none of cow$"):
        found(arrays)


def few_of(inputs: np.ndarray) -> np.ndarray:
    """The first column is constant, the second one but for gaps, the third outside the training part alone."""
    changed = inputs.copy()
    changed[:, 0] = 7
    changed[:, 1] = np.where(np.arange(len(inputs)) % 2, np.nan, 7)
    changed[:300, 2] = 7
    return changed


FINDINGS: dict[str, tuple[Arrays, str, str | None]] = {
    "nothing": (numbers(), "none", None),
    "constant columns": (numbers(few_of(INPUTS)), "standard", "0, 1, 2 never varies in the training part"),
    "a constant column with a name": (
        numbers(INPUTS * np.float32([1, 0, 1]), columns=("a", "b", "c")),
        "standard",
        "b never varies in the training part",
    ),
    "constant pixels": (numbers(np.zeros((900, 1, 2, 2))), "standard", None),
    "deviations of which one is 20 times the other": (numbers(INPUTS * np.float32([1, 1, 20])), "none", None),
    "deviations beyond that": (
        numbers(INPUTS * np.float32([1, 0.5, 12])),
        "none",
        r"inputs are not scaled \(values reach 12, deviations 0\.5 to 12\); data\.scale=standard mends it",
    ),
    "deviations of pixels beyond that": (numbers(PIXELS * [[1, 1], [1, 0.01]]), "none", None),
    "large values": (
        numbers(100 + INPUTS),
        "none",
        r"inputs are not scaled \(values reach 101, deviations 1 to 1\); data\.scale=standard mends it",
    ),
    "large values of pixels": (
        numbers(PIXELS * 100),
        "none",
        r"inputs are not scaled \(values reach 200, deviations 100 to 100\); data\.scale=standard mends it",
    ),
    "deviations beyond that, but a scale": (numbers(INPUTS * np.float32([1, 1, 1000])), "standard", None),
    "classes that are 4 to 1": (with_targets(np.arange(900) % 5 == 0), "standard", None),
    "classes beyond 4 to 1": (
        with_targets(np.arange(900) % 6 == 0, ("cat", "dog")),
        "standard",
        r"classes are out of balance \(250 of cat, 50 of dog\); data\.class_weights=balanced weighs them, .*",
    ),
    "validation without a class": (
        with_targets(np.r_[np.arange(300) % 3, np.arange(300) % 2, np.arange(300) % 3], ("cat", "dog", "cow")),
        "standard",
        "the validation part has no sample of cow",
    ),
    "a test part without classes": (
        with_targets(np.r_[np.arange(600) % 3, np.zeros(300)]),
        "standard",
        "the test part has no sample of 1, 2",
    ),
}


@pytest.mark.parametrize(("arrays", "scale", "line"), FINDINGS.values(), ids=FINDINGS)
def test_of_the_parts_is_said(arrays: Arrays, scale: str, line: str | None) -> None:
    lines = found(arrays, scale=scale)
    assert len(lines) == (line is not None)
    assert line is None or re.fullmatch(line, lines[0])


def test_constant_columns_are_not_called_unscaled_too() -> None:
    assert found(numbers(np.full((900, 1), 100)), scale="none") == ["0 never varies in the training part"]


@pytest.mark.parametrize(
    ("arrays", "num", "line"),
    [
        pytest.param(with_targets(np.arange(900) % 2), 200, None, id="200 are enough"),
        pytest.param(
            with_targets(np.arange(900) % 2),
            100,  # sqrt(.9 * .1 / 100) = .03
            "the validation part has 100 samples: one standard error of an accuracy near 90 % is 3.0 points; "
            "data.folds=5 validates on all",
            id="100 of classes",
        ),
        pytest.param(
            numbers(),
            50,  # sqrt(2 / 50) = .2
            "the validation part has 50 samples: one standard error of a mean squared error is 20 % of it; "
            "data.folds=5 validates on all",
            id="50 numbers",
        ),
    ],
)
def test_a_small_validation_part_is_told_its_error(arrays: Arrays, num: int, line: str | None) -> None:
    train, val, test = INDICES
    assert found(arrays, indices=(train, val[:num], test)) == ([] if line is None else [line])


def test_labels_are_told_from_numbers() -> None:
    """Several numbers a sample need no line; several labels, which are 0 or 1, do: they are not scaled."""
    labels = np.stack([ONES > 0, ONES < 0], axis=1).astype(np.float32)
    assert found(Arrays(INPUTS, labels)) == [
        "a target is many labels, 0 or 1, of shape (2,): parts are not stratified, targets are not scaled; "
        "loss=bce trains on them as labels, another loss as numbers"
    ]
    assert found(Arrays(INPUTS, 2 * labels)) == []


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        pytest.param(
            np.where(np.arange(6).reshape(3, 2) == 3, np.nan, 0),
            "a finite target for each sample; got 1 of 3 without one",
            id="a number that is missing",
        ),
        pytest.param(
            np.zeros((3, 4, 4), np.int64), "two classes or more to tell apart; got class 0 alone", id="empty masks"
        ),
    ],
)
def test_targets_of_several_values_are_refused(targets: np.ndarray, message: str) -> None:
    targets = targets if targets.dtype == np.int64 else targets.astype(np.float32)
    with pytest.raises(UserError, match=f"^data must have {message}$"):
        check_samples(Arrays(INPUTS[:3], targets))


def test_token_ids_are_neither_constant_nor_unscaled_columns() -> None:
    tokens = np.full((900, 3), 1000)
    assert found(Arrays(tokens, np.zeros(900, np.float32)), scale="none") == []


@pytest.mark.parametrize(
    ("order", "split", "is_warned"),
    [
        pytest.param(np.arange(900) // 3, "random", True, id="rising"),
        pytest.param(-np.arange(900), "random", True, id="falling"),
        pytest.param(np.arange(900), "time", False, id="cut by time"),
        pytest.param(np.arange(900), "group", False, id="cut by group"),
        pytest.param(np.arange(900) % 7, "random", False, id="in no order"),
        pytest.param(np.ones(900), "random", False, id="all at one time"),
        pytest.param(None, "random", False, id="not known"),
    ],
)
def test_rows_in_the_order_of_their_time_are_warned_of(order: np.ndarray | None, split: str, is_warned: bool) -> None:
    arrays = Arrays(INPUTS, np.zeros(900, np.float32), order=None if order is None else order.astype(float))
    lines = check_splits(arrays, INPUTS, INDICES, "standard", split)
    assert [line.startswith("rows are in the order of their time, ") for line in lines] == [True] * is_warned


def test_rows_of_unknown_time_that_are_cut_by_time_are_told_of() -> None:
    in_time = Arrays(INPUTS, np.zeros(900, np.float32), order=np.arange(900.0))
    table = numbers(columns=("a", "b", "c"))
    (line,) = check_splits(table, INPUTS, INDICES, "standard", "time")
    assert line.startswith("nothing tells when a row was taken, so data.split=time takes the rows as they lie, ")
    assert check_splits(numbers(), INPUTS, INDICES, "standard", "time") == []  # arrays have no column to name
    assert check_splits(in_time, INPUTS, INDICES, "standard", "time") == []
