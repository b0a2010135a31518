"""Ties within the noise, and a test value that luck does not explain."""

from __future__ import annotations

import pytest
from checked import complete

from tunesmith.insight.study_checks.noise import CONFIRM, expected_largest, optimism, ties
from tunesmith.insight.study_checks.trials import CheckedStudy, Score

TRIALS = [complete(number, value) for number, value in enumerate([0.90, 0.91, 0.92, 0.95])]


def test_trials_within_two_deviations_are_tied() -> None:
    (finding,) = ties(CheckedStudy(TRIALS, {}, noise_sd=0.0101))
    assert (finding.numbers["tied"], finding.override) == (2, CONFIRM)
    assert finding.text.startswith("2 of 3 other complete trials are within 2 standard deviations (0.0101) of the best")


def test_the_best_is_the_highest_if_the_study_maximizes() -> None:
    (finding,) = ties(CheckedStudy(TRIALS, {}, is_maximized=True, noise_sd=0.0199))
    assert finding.numbers["tied"] == 1


@pytest.mark.parametrize("sd", [None, 0.0, 0.004], ids=["unknown", "no noise", "apart"])
def test_without_noise_between_them_nothing_is_tied(sd: float | None) -> None:
    assert list(ties(CheckedStudy(TRIALS, {}, noise_sd=sd))) == []


def test_a_confirmation_has_told_ties_apart() -> None:
    assert list(ties(CheckedStudy(TRIALS, {}, noise_sd=0.0101, is_confirmed=True))) == []


def test_the_expected_largest_of_normal_numbers() -> None:
    assert [expected_largest(num) for num in (1, 2, 10, 100)] == pytest.approx([0, 0.564, 1.539, 2.508], abs=0.03)


@pytest.mark.parametrize(
    ("test", "is_found"), [(0.82, True), (0.88, False), (0.95, False)], ids=["far worse", "unlucky", "better"]
)
def test_a_test_accuracy_far_below_the_validation_accuracy_is_found(test: float, is_found: bool) -> None:
    score = Score("accuracy", 0.92, test, 0.02, 0.02, is_higher_better=True)
    assert bool(list(optimism(CheckedStudy(TRIALS, {}, score=score)))) is is_found


def test_the_luck_of_the_best_of_many_is_taken_off() -> None:
    score = Score("accuracy", 0.92, 0.85, 0.02, 0.02, is_higher_better=True)
    many = [complete(number, 0.9 + number / 1000) for number in range(100)]
    assert list(optimism(CheckedStudy(TRIALS[:1], {}, score=score)))
    assert list(optimism(CheckedStudy(many, {}, score=score))) == []
