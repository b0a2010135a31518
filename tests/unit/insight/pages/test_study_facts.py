"""Which trial of a study is the best one, and which the configuration as it stands."""

from __future__ import annotations

import math

from study_pages import study_of, trial


def number(found: object) -> object:
    return getattr(found, "number", None)


def test_the_best_is_complete_feasible_comparable_and_no_repeat() -> None:
    trials = [
        trial(0, 0.5),
        trial(1, 0.1, "pruned"),
        trial(2, 0.1, is_infeasible=True),
        trial(3, 0.1, is_comparable=False),
        trial(4, 0.1, is_repeat=True),
        trial(5, math.nan),
        trial(6, 0.5),
    ]
    assert [each.number for each in study_of(*trials).ranked] == [0, 6]
    assert number(study_of(*trials).best) == 0


def test_the_results_name_the_best_unless_a_later_trial_is_better() -> None:
    trials = [trial(0, 0.5), trial(1, 0.5), trial(2, 0.4)]
    assert number(study_of(*trials[:2], results={"best_trial": 1}).best) == 1
    assert number(study_of(*trials, results={"best_trial": 1}).best) == 2
    assert number(study_of(*trials, results={"best_trial": 1, "confirm": {"trial": 1}}).best) == 1


def test_several_objectives_have_no_best() -> None:
    assert study_of(trial(0, 0.5), modes=("min", "max")).best is None


def test_a_baseline_that_can_be_compared_comes_first() -> None:
    stands = [trial(0, 0.5, is_baseline=True, is_comparable=False), trial(7, 0.6, is_baseline=True)]
    assert number(study_of(*stands).baseline) == 7
    assert number(study_of(stands[0]).baseline) == 0
