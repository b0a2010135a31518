"""The objective: which of two values is better, and the best one of a run."""

from __future__ import annotations

import math

import pytest

from tunesmith.objective import BestSoFar, Objective

LOSS = Objective("val/loss", "min")
ACCURACY = Objective("val/acc", "max")


@pytest.mark.parametrize(
    ("objective", "value", "than", "is_better"),
    [
        pytest.param(LOSS, 0.1, 0.2, True, id="min: less"),
        pytest.param(LOSS, 0.2, 0.1, False, id="min: more"),
        pytest.param(LOSS, 0.1, 0.1, False, id="min: equal"),
        pytest.param(LOSS, math.nan, 0.1, False, id="min: nan"),
        pytest.param(ACCURACY, 0.2, 0.1, True, id="max: more"),
        pytest.param(ACCURACY, 0.1, 0.2, False, id="max: less"),
        pytest.param(ACCURACY, 0.1, 0.1, False, id="max: equal"),
        pytest.param(ACCURACY, math.nan, 0.1, False, id="max: nan"),
    ],
)
def test_is_better(objective: Objective, value: float, than: float, is_better: bool) -> None:
    assert objective.is_better(value, than) is is_better


@pytest.mark.parametrize(
    ("objective", "values", "best", "epoch"),
    [
        pytest.param(LOSS, [3.0, 1.0, 2.0], 1.0, 2, id="min"),
        pytest.param(ACCURACY, [1.0, 3.0, 2.0], 3.0, 2, id="max"),
        pytest.param(LOSS, [1.0, 1.0], 1.0, 1, id="the first of equals"),
        pytest.param(LOSS, [math.nan, 2.0], 2.0, 2, id="nan first"),
        pytest.param(LOSS, [2.0, math.nan], 2.0, 1, id="nan last"),
        pytest.param(ACCURACY, [-5.0, -7.0], -5.0, 1, id="max below zero"),
    ],
)
def test_best_of_a_run(objective: Objective, values: list[float], best: float, epoch: int) -> None:
    so_far = BestSoFar(objective)
    for number, value in enumerate(values, start=1):
        so_far.update(value, number)
    assert (so_far.value, so_far.epoch) == (best, epoch)


@pytest.mark.parametrize("value", [math.nan, math.inf], ids=str)
def test_a_value_that_is_none_is_no_best(value: float) -> None:
    so_far = BestSoFar(LOSS)
    assert not so_far.update(value, 1)
    assert so_far.epoch == 0


def test_update_says_whether_the_epoch_is_the_best() -> None:
    so_far = BestSoFar(LOSS)
    assert [so_far.update(value, epoch) for epoch, value in enumerate([2.0, 3.0, 1.0], start=1)] == [True, False, True]


def test_a_resumed_best_is_compared_with_what_was_saved() -> None:
    before, after = BestSoFar(LOSS), BestSoFar(LOSS)
    before.update(0.5, 3)
    after.load_state_dict(before.state_dict())
    assert not after.update(0.6, 4)
    assert (after.value, after.epoch) == (0.5, 3)


def test_the_step_is_known_if_there_is_one() -> None:
    """Without steps the state is that of version 0.1.0."""
    so_far = BestSoFar(LOSS)
    so_far.update(0.5, 1)
    assert so_far.state_dict() == {"value": 0.5, "epoch": 1}
    so_far.update(0.25, 2, step=10)
    other = BestSoFar(LOSS)
    other.load_state_dict(so_far.state_dict())
    assert (other.value, other.epoch, other.step) == (0.25, 2, 10)
