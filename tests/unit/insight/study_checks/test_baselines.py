"""A search that has found nothing better than what was there."""

from __future__ import annotations

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
