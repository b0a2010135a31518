"""A moved bound becomes an override that Hydra reads as the range that was meant."""

from __future__ import annotations

from typing import Any

import pytest
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from tunesmith.insight.study_checks.new_ranges import range_override, widened, with_bound
from tunesmith.insight.study_checks.trials import allow_all
from tunesmith.search.space.space import parse_space


@pytest.mark.parametrize(
    ("distribution", "is_high", "expected"),
    [
        (FloatDistribution(1e-4, 1e-2, log=True), True, FloatDistribution(1e-4, 1e-1, log=True)),
        (FloatDistribution(1e-4, 1e-2, log=True), False, FloatDistribution(1e-5, 1e-2, log=True)),
        (FloatDistribution(2.0, 4.0), True, FloatDistribution(2.0, 5.0)),
        (FloatDistribution(0.1, 0.6), False, FloatDistribution(0.0, 0.6)),
        (FloatDistribution(0.0, 1.0, step=0.25), True, FloatDistribution(0.0, 1.5, step=0.25)),
        (IntDistribution(16, 256, log=True), True, IntDistribution(16, 1024, log=True)),
        (IntDistribution(1, 3), True, IntDistribution(1, 4)),
        (IntDistribution(10, 50, step=10), False, IntDistribution(0, 50, step=10)),
    ],
    ids=["log up", "log down", "up", "down to zero", "steps", "log integers", "integers", "steps of integers"],
)
def test_a_range_is_widened_by_half_of_its_width(
    distribution: BaseDistribution, is_high: bool, expected: BaseDistribution
) -> None:
    new = widened("a.b", distribution, is_high, allow_all)
    assert new is not None
    assert parse_space({}, [range_override(distribution, new)]).dimensions["a.b"].distribution == expected


def test_less_is_added_if_a_rule_forbids_more() -> None:
    new = widened("dropout", FloatDistribution(0.1, 0.6), True, lambda key, value: value < 0.8)
    assert new is not None
    assert new.high == pytest.approx(0.72)


@pytest.mark.parametrize(
    ("distribution", "is_high"),
    [(FloatDistribution(0.0, 0.6), False), (IntDistribution(0, 3), False), (FloatDistribution(0.1, 0.99), True)],
    ids=["at zero", "integers at zero", "at the rule's end"],
)
def test_a_bound_that_cannot_be_moved_is_left(distribution: BaseDistribution, is_high: bool) -> None:
    assert widened("dropout", distribution, is_high, lambda key, value: value < 1) is None


def test_the_rule_is_asked_about_the_key_and_the_new_bound() -> None:
    asked: list[Any] = []
    widened("lr", FloatDistribution(1e-4, 1e-2, log=True), True, lambda key, value: bool(asked.append((key, value))))
    assert asked[0] == ("lr", pytest.approx(0.1))


def test_a_bound_moves_to_a_value() -> None:
    new = with_bound("lr", FloatDistribution(1e-4, 1e-1, log=True), 0.01, is_high=True)
    assert (new.low, new.high, new.is_high) == (1e-4, 0.01, True)
