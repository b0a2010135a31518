"""How far apart the means of two parts lie."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tunesmith.data.shift import measure_shift

RANDOM = np.random.default_rng(0)
TRAIN, OTHER = RANDOM.normal(size=(120, 30)), RANDOM.normal(size=(40, 30))


def moved(by: float, columns: slice = slice(None)) -> NDArray[np.float64]:
    rows = OTHER.copy()
    rows[:, columns] += by
    return rows


def test_two_draws_differ_by_chance() -> None:
    shift = measure_shift(TRAIN, OTHER)
    assert (shift.is_all_over, shift.is_of_column) == (False, False)
    assert 0.3 < shift.median < 1.2
    assert shift.most_by_chance == pytest.approx(5.5, abs=0.2)


def test_errors_and_deviations_of_a_column() -> None:
    shift = measure_shift(np.array([[0.0], [2.0]]), np.array([[3.0], [5.0]]))
    deviation = np.std([0, 2, 3, 5])
    assert (shift.column, shift.deviations) == (0, pytest.approx(3 / deviation))
    assert shift.value == pytest.approx(3 / deviation)  # the standard error of two and two samples is the deviation


@pytest.mark.parametrize(
    ("other", "is_all_over", "is_of_column"),
    [(moved(1.0), True, True), (moved(0.5), False, False), (moved(2.0, slice(3, 4)), False, True)],
    ids=["all columns", "all of them a little", "one column"],
)
def test_parts_that_differ(other: NDArray[np.float64], is_all_over: bool, is_of_column: bool) -> None:
    shift = measure_shift(TRAIN, other)
    assert (shift.is_all_over, shift.is_of_column) == (is_all_over, is_of_column)
    assert shift.is_all_over or not is_of_column or shift.column == 3


def test_a_certain_difference_that_is_small_is_none() -> None:
    random = np.random.default_rng(0)
    shift = measure_shift(random.normal(size=(50_000, 1)), random.normal(size=(50_000, 1)) + 0.1)
    assert shift.value > shift.most_by_chance
    assert (shift.is_all_over, shift.is_of_column) == (False, False)


@pytest.mark.parametrize("kind", ["lognormal", "rare", "cauchy"])
def test_columns_with_long_tails_differ_by_chance(kind: str) -> None:
    random = np.random.default_rng(1)
    draws = {
        "lognormal": lambda: np.exp(2 * random.normal(size=(60, 200))),
        "rare": lambda: random.random((60, 200)) < 0.02,
        "cauchy": lambda: random.standard_cauchy((60, 200)),
    }
    shift = measure_shift(draws[kind]().astype(float), draws[kind]()[:20].astype(float))
    assert (shift.is_all_over, shift.is_of_column) == (False, False)


def test_columns_that_never_vary_are_left_out() -> None:
    constant = np.full((5, 2), 1e9)
    assert measure_shift(constant, constant).column is None
    assert measure_shift(constant[:1], constant).num_columns == 0
