"""Which trial of a study is the best one, and which the configuration as it stands."""

from __future__ import annotations

import math

import pytest
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


COUNTS = {"complete": 2, "pruned": 0, "failed": 0, "lost": 1}


def test_the_results_name_the_best_unless_a_later_trial_is_better() -> None:
    trials = [trial(0, 0.5), trial(1, 0.5), trial(2, 0.4), trial(3, 0.1, "running")]
    results = {"best_trial": 1, "trials": COUNTS}
    assert number(study_of(*trials[:2], results=results).best) == 1
    assert number(study_of(*trials, results=results).best) == 2
    assert number(study_of(*trials, results={**results, "confirm": {"trial": 1}}).best) == 1


def test_a_last_stage_may_have_chosen_another_trial_than_that_of_the_best_value() -> None:
    trials = [trial(0, 0.4, stage="random"), trial(1, 0.5, stage="final")]
    found = study_of(*trials, results={"best_trial": 1, "trials": COUNTS})
    assert (number(found.best), found.is_best_of_results) == (1, True)


@pytest.mark.parametrize(
    ("counts", "num"),
    [(None, 0), ("two", 0), ({**COUNTS, "failed": "x"}, 0), (COUNTS, 1), ({**COUNTS, "pruned": 3}, -2)],
)
def test_trials_that_ended_since_the_results_are_counted(counts: object, num: int) -> None:
    trials = [trial(0, 0.4), trial(1, 0.5, "pruned"), trial(2, state="failed"), trial(3, state="lost")]
    assert study_of(*trials, results={"trials": counts}).num_since_results == num


def test_several_objectives_have_no_best() -> None:
    assert study_of(trial(0, 0.5), modes=("min", "max")).best is None


def test_a_baseline_that_can_be_compared_comes_first() -> None:
    stands = [trial(0, 0.5, is_baseline=True, is_comparable=False), trial(7, 0.6, is_baseline=True)]
    assert number(study_of(*stands).baseline) == 7
    assert number(study_of(stands[0]).baseline) == 0
