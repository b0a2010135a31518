"""Copies of rows, told from twins by nature."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tunesmith.data.copies import row_hashes, share_of_neighbours

RANDOM = np.random.default_rng(0)
MEASURED = RANDOM.normal(size=(300, 6)).astype(np.float32)


def coarse(num_values: int, num_columns: int) -> NDArray[np.float32]:
    return RANDOM.integers(0, num_values, (300, num_columns)).astype(np.float32)


def test_equal_rows_alone_share_a_hash() -> None:
    images = np.zeros((3, 2, 2), np.float32)
    images[1, 1, 1] = 1
    assert [a == b for a, b in zip(row_hashes(images), row_hashes(images)[[2, 0, 0]], strict=True)] == [
        *(True, False, True)
    ]


def test_measured_rows_have_no_neighbours_and_copies_do_not_count_as_such() -> None:
    assert share_of_neighbours(np.concatenate([MEASURED, MEASURED[:100]])) == 0


@pytest.mark.parametrize(
    "rows",
    [
        coarse(2, 9),
        coarse(3, 6),
        coarse(10, 3),
        np.eye(6, dtype=np.float32)[RANDOM.integers(0, 6, (300, 4))].reshape(300, 24),
        RANDOM.integers(0, 900, (300, 1)).astype(np.float32),
    ],
    ids=["patches of zeros and ones", "three values", "ten values", "one-hot columns", "a single column"],
)
def test_rows_of_few_values_have_neighbours(rows: NDArray[np.float32]) -> None:
    twins = 1 - len(np.unique(rows, axis=0)) / len(rows)
    assert share_of_neighbours(rows) > max(0.5, twins)


def test_rows_that_are_all_one_have_no_neighbours_to_ask() -> None:
    assert share_of_neighbours(np.ones((5, 2), np.float32)) == 1
