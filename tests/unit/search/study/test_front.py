"""The Pareto front, and which trials break a constraint."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from tunesmith.search.study.front import num_infeasible, pareto_front, violations
from tunesmith.search.study.study import best_trial

MINIMIZE, MAXIMIZE = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE


def trials_of(*values: tuple[float, ...], **arguments: Any) -> list[FrozenTrial]:
    trials = [create_trial(values=list(each), **arguments) for each in values]
    for number, trial in enumerate(trials):
        trial.number = number
    return trials


def broken(trial: FrozenTrial, excess: object) -> FrozenTrial:
    trial.system_attrs = {"constraints:size <= 3": excess, "constraints:speed > 1": -1.0}
    return trial


@pytest.mark.parametrize("directions", [(MINIMIZE, MINIMIZE), (MAXIMIZE, MINIMIZE), (MINIMIZE, MAXIMIZE, MAXIMIZE)])
def test_no_trial_of_the_front_is_dominated_and_each_other_one_is(directions: tuple[StudyDirection, ...]) -> None:
    points = np.random.default_rng(0).integers(0, 6, (60, len(directions))).astype(float)
    front = {trial.number for trial in pareto_front(trials_of(*map(tuple, points)), directions)}
    losses = points * [1 if direction == MINIMIZE else -1 for direction in directions]
    dominated = [bool(((losses <= own).all(1) & (losses < own).any(1)).any()) for own in losses]
    assert front == {number for number, is_dominated in enumerate(dominated) if not is_dominated}
    assert 0 < len(front) < 60


def test_the_front_begins_with_the_best_in_the_first_objective_and_keeps_equals() -> None:
    trials = trials_of((1, 5), (3, 1), (3, 1), (2, 9))
    assert [trial.number for trial in pareto_front(trials, [MAXIMIZE, MINIMIZE])] == [1, 2]
    assert [trial.number for trial in pareto_front(trials, [MINIMIZE, MINIMIZE])] == [0, 1, 2]


def test_trials_that_broke_a_constraint_or_did_not_end_are_no_answer() -> None:
    trials = trials_of((1, 1), (2, 2), (3, 3))
    broken(trials[0], 0.5), broken(trials[1], 0.0)
    failed = create_trial(state=TrialState.FAIL)
    assert [trial.number for trial in pareto_front([*trials, failed], [MINIMIZE, MINIMIZE])] == [1]
    assert violations(trials[0]) == {"size <= 3": 0.5}
    assert num_infeasible(trials) == 1


def test_the_best_trial_is_the_best_feasible_one() -> None:
    trials = trials_of((1,), (2,), (3,))
    broken(trials[0], 1e-9)
    best = best_trial(trials, MINIMIZE)
    assert best is not None
    assert best.number == 1
    assert best_trial([broken(trial, 1) for trial in trials], MINIMIZE) is None


@pytest.mark.parametrize("excess", ["5", None, [1.0]], ids=str)
def test_what_is_no_number_breaks_nothing(excess: object) -> None:
    assert violations(broken(create_trial(value=1.0), excess)) == {}
