"""Failures that lie together in the space: on which side, and the range or the choices without them."""

from __future__ import annotations

import pytest
from checked import LR_AND_KIND, complete, failed, lr_at

from tunesmith.insight.study_checks.failures import failure_clusters
from tunesmith.insight.study_checks.trials import CheckedStudy, CheckedTrial

PLACES = [number * 0.618034 % 1 for number in range(40)]  # even over [0, 1), in no order


def study_of(trials: list[CheckedTrial]) -> CheckedStudy:
    return CheckedStudy(trials, LR_AND_KIND)


def kind_of(number: int) -> str:
    return "abc"[number % 3]


@pytest.mark.parametrize(
    ("fails", "side", "override"),
    [
        (lambda place: place > 0.9, "3 of 3 failures have lr >= 0.0587", "lr=tag(log,interval(0.0001,0.046))"),
        (lambda place: place < 0.1, "5 of 5 failures have lr <= 0.000186", "lr=tag(log,interval(0.0002,0.1))"),
    ],
    ids=["high", "low"],
)
def test_the_range_is_cut_where_trials_begin_to_fail(fails: object, side: str, override: str) -> None:
    assert callable(fails)
    trials = [
        (failed if fails(place) else lambda number, **params: complete(number, 0.5, **params))(
            number, lr=lr_at(place), kind=kind_of(number)
        )
        for number, place in enumerate(PLACES)
    ]
    (finding,) = failure_clusters(study_of(trials))
    assert finding.text.startswith(side)
    assert finding.override == override


def test_a_choice_that_fails_is_left_out() -> None:
    trials = [
        failed(number, lr=lr_at(place), kind="b")
        if kind_of(number) == "b" and number < 33
        else complete(number, 0.5, lr=lr_at(place), kind=kind_of(number))
        for number, place in enumerate(PLACES)
    ]
    (finding,) = failure_clusters(study_of(trials))
    assert finding.text.startswith("11 of 11 failures have kind=b, as 13 of 40 trials")
    assert finding.override == "kind=a,c"


@pytest.mark.parametrize("failing", [(7, 20), (0, 1, 2, 3)], ids=["two", "spread"])
def test_few_or_spread_failures_are_no_cluster(failing: tuple[int, ...]) -> None:
    trials = [
        failed(number, lr=lr_at(place), kind=kind_of(number))
        if number in failing
        else complete(number, 0.5, lr=lr_at(place), kind=kind_of(number))
        for number, place in enumerate(PLACES)
    ]
    assert list(failure_clusters(study_of(trials))) == []


def test_a_study_of_failures_alone_has_no_side() -> None:
    assert list(failure_clusters(study_of([failed(number, lr=0.01, kind="a") for number in range(9)]))) == []
