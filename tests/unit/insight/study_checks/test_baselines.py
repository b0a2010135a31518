"""A search that has found nothing better than what was there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from checked import complete

from tunesmith.insight.study_checks.baselines import baseline_unbeaten
from tunesmith.insight.study_checks.trials import CheckedStudy

VALUES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]


def study_of(**others: Any) -> CheckedStudy:
    return CheckedStudy([complete(number, value) for number, value in enumerate(VALUES)], {}, **others)


def test_a_baseline_that_is_the_best_is_named() -> None:
    (finding,) = baseline_unbeaten(study_of(baseline=0))
    assert finding.text.startswith("5 other complete trials do not beat trial 0, the configuration as it stands")
    assert finding.override == "hydra.sweeper.n_trials=12"


@pytest.mark.parametrize("others", [{"baseline": 1}, {}], ids=["beaten", "no baseline"])
def test_otherwise_nothing_is_said(others: dict[str, Any]) -> None:
    assert list(baseline_unbeaten(study_of(**others))) == []


def test_four_other_trials_are_too_few() -> None:
    trials = [complete(number, value) for number, value in enumerate(VALUES[:5])]
    assert list(baseline_unbeaten(CheckedStudy(trials, {}, baseline=0))) == []


def test_a_search_that_is_no_better_than_a_linear_model_is_told_both_values() -> None:
    (finding,) = baseline_unbeaten(study_of(baseline=3, linear=0.09))
    assert finding.name == "baseline_unbeaten"
    assert finding.text == (
        "6 complete trials do not beat a linear model on the same data: the best one has 0.1, the linear model 0.09"
    )


@pytest.mark.parametrize(
    ("is_maximized", "linear", "num"), [(False, 0.1, 1), (False, 0.11, 0), (True, 0.6, 1), (True, 0.59, 0)]
)
def test_as_good_as_the_best_is_not_beaten(is_maximized: bool, linear: float, num: int) -> None:
    assert len(list(baseline_unbeaten(study_of(is_maximized=is_maximized, linear=linear)))) == num


def test_a_trial_that_breaks_a_constraint_beats_nothing() -> None:
    trials = [complete(number, value) for number, value in enumerate(VALUES)]
    broken = replace(complete(6, 0.05), is_infeasible=True)
    (finding,) = baseline_unbeaten(CheckedStudy([*trials, broken], {}, baseline=3, linear=0.09))
    assert finding.numbers == {"linear": 0.09, "best": 0.1, "trials": 6}
