"""A column that tells the target by itself."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tunesmith.data.give_away import find_give_away, ranks

RANDOM = np.random.default_rng(0)
ROWS = 200
INPUTS = RANDOM.normal(size=(ROWS, 4)).astype(np.float32)
CLASSES = RANDOM.permutation(np.arange(ROWS) % 5)
NUMBERS = INPUTS[:, 0] + INPUTS[:, 1] + 0.5 * RANDOM.normal(size=ROWS)
NOISE = RANDOM.normal(size=ROWS)
CODES = np.array([3, 0, 4, 1, 2])


def beside(column: NDArray[np.generic]) -> NDArray[np.float32]:
    return np.column_stack([INPUTS, column]).astype(np.float32)


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [
        (beside(CODES[CLASSES]), CLASSES),
        (beside(CODES[CLASSES] + 0.03 * NOISE), CLASSES),
        (beside(2 * (CLASSES % 2) + 0.1 * NOISE), CLASSES % 2),
        (beside(NUMBERS + 0.03 * NOISE), NUMBERS),
        (beside(np.exp(3 * NUMBERS)), NUMBERS),
        (beside(-NUMBERS * 1e30), NUMBERS),
    ],
    ids=["codes of classes", "codes with noise", "two classes", "numbers with noise", "a function of them", "huge"],
)
def test_a_column_made_from_the_target_is_found(inputs: NDArray[np.float32], targets: NDArray[np.generic]) -> None:
    found = find_give_away(inputs, targets)
    assert found.is_found
    assert (found.column, found.score > found.next) == (4, True)


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [
        (INPUTS, CLASSES),
        (INPUTS, NUMBERS),
        (INPUTS[:, :1], (INPUTS[:, 0] > 0).astype(np.int64)),
        (INPUTS[:, :2], (INPUTS[:, 0] > 0).astype(np.int64)),
        ((CLASSES % 2)[:, None] + 0.01 * INPUTS, CLASSES % 2),
        (beside(NUMBERS + 0.3 * NOISE), NUMBERS),
        (beside(np.arange(ROWS)), CLASSES),
        (INPUTS, np.zeros(ROWS, np.int64)),
    ],
    ids=[
        *("nothing", "a sum of two", "one column", "one of two", "all tell", "a strong one", "row numbers"),
        "one class",
    ],
)
def test_a_column_that_honestly_helps_is_none(inputs: NDArray[np.float32], targets: NDArray[np.generic]) -> None:
    assert not find_give_away(inputs, targets).is_found


def test_a_leak_beside_a_strong_column_is_found() -> None:
    strong = CODES[CLASSES] + 0.17 * NOISE
    assert find_give_away(np.column_stack([beside(strong), CODES[CLASSES]]).astype(np.float32), CLASSES).column == 5


def test_it_is_found_among_many_columns_and_rows() -> None:
    classes = RANDOM.permutation(np.arange(12_000) % 3)
    inputs = RANDOM.normal(size=(12_000, 100)).astype(np.float32)
    inputs[:, 60] = classes
    assert find_give_away(inputs, classes).column == 60


def test_equal_values_share_the_mean_of_their_ranks() -> None:
    assert ranks(np.array([5.0, 1.0, 5.0, 9.0])).tolist() == [1.5, 0, 1.5, 3]
