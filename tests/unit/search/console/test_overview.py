"""What is said of a sweep while it runs, read from its trials."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from optuna.distributions import FloatDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from tunesmith.search.attribute_names import OUTSIDE, REASON, SURPLUS
from tunesmith.search.console.overview import TimeLeft, running_trials, time_left

NOW = datetime(2026, 1, 1, 12)


def trial_of(
    state: TrialState = TrialState.RUNNING, age: float = 10.0, seconds: float | None = None, **arguments: Any
) -> FrozenTrial:
    """A trial that began so many seconds ago, and has taken so many if it has ended."""
    trial = create_trial(state=state, value=0.5 if state == TrialState.COMPLETE else None, **arguments)
    trial.datetime_start = NOW - timedelta(seconds=age)
    trial.datetime_complete = None if seconds is None else trial.datetime_start + timedelta(seconds=seconds)
    return trial


def ended(seconds: float, state: TrialState = TrialState.COMPLETE) -> FrozenTrial:
    return trial_of(state, age=100.0, seconds=seconds)


@pytest.mark.parametrize(
    ("direction", "best", "best_at"),
    [(StudyDirection.MINIMIZE, 0.2, 2), (StudyDirection.MAXIMIZE, 0.9, 1)],
    ids=["min", "max"],
)
def test_how_far_a_running_trial_has_come(direction: StudyDirection, best: float, best_at: int) -> None:
    values = {1: 0.9, 2: 0.2, 3: math.nan, 4: 0.4}
    drawn = {"params": {"lr": 0.1}, "distributions": {"lr": FloatDistribution(0, 1)}}
    (running,) = running_trials([trial_of(intermediate_values=values, **drawn)], direction, lambda trial: 50)
    assert (running.epochs, running.planned, running.value, running.params) == (4, 50, 0.4, {"lr": 0.1})
    assert (running.best, running.best_at) == (best, best_at)


def test_a_trial_that_has_reported_nothing_has_no_values() -> None:
    (running,) = running_trials([trial_of()], StudyDirection.MINIMIZE, lambda trial: None)
    assert (running.epochs, running.planned, running.value, running.best, running.best_at) == (0, None, *[None] * 3)


def test_trials_that_have_ended_or_never_run_are_none_that_run() -> None:
    others = [ended(1.0), trial_of(user_attrs={OUTSIDE: True}), trial_of(user_attrs={SURPLUS: True})]
    assert running_trials(others, StudyDirection.MINIMIZE, lambda trial: None) == []


def test_the_time_left_is_the_mean_of_ended_trials_over_those_that_run_at_once() -> None:
    trials = [ended(20.0), ended(30.0), ended(10.0, TrialState.PRUNED)]
    assert time_left(trials, 6, 2, NOW) == TimeLeft(60.0, 6, 20.0, 2)


def test_what_running_trials_have_run_is_no_longer_left() -> None:
    trials = [*[ended(20.0)] * 3, trial_of(age=15.0), trial_of(age=500.0)]
    left = time_left(trials, 2, 2, NOW)
    assert left is not None
    assert left.seconds == (2 * 20 - 15 - 20) / 2


def test_no_more_trials_run_at_once_than_are_left() -> None:
    left = time_left([ended(20.0)] * 3, 1, 8, NOW)
    assert left is not None
    assert (left.seconds, left.num_at_once) == (20.0, 1)


def test_a_clock_that_was_set_back_makes_nothing_negative() -> None:
    left = time_left([*[ended(20.0)] * 3, trial_of(age=-3600.0)], 1, 1, NOW)
    assert left is not None
    assert left.seconds == 20.0


def test_a_time_with_a_zone_is_read_as_well() -> None:
    zoned = trial_of()
    zoned.datetime_start = (NOW - timedelta(seconds=5)).astimezone(UTC)
    left = time_left([*[ended(20.0)] * 3, zoned], 1, 1, NOW)
    assert left is not None
    assert left.seconds == 15.0


def test_the_last_trials_tell_how_long_the_next_ones_take() -> None:
    left = time_left([*[ended(1000.0)] * 10, *[ended(10.0)] * 30], 3, 1, NOW)
    assert left is not None
    assert left.seconds == 30.0


@pytest.mark.parametrize(
    ("trials", "num_left"),
    [
        pytest.param([ended(1.0)] * 2, 5, id="too few have ended"),
        pytest.param([trial_of(TrialState.FAIL, seconds=1.0)] * 5, 5, id="lost ones tell nothing"),
        pytest.param([ended(1.0)] * 5, 0, id="nothing is left"),
    ],
)
def test_no_time_left_is_known(trials: list[FrozenTrial], num_left: int) -> None:
    assert time_left(trials, num_left, 1, NOW) is None


def test_failed_trials_take_their_time() -> None:
    failed = trial_of(TrialState.FAIL, seconds=4.0, user_attrs={REASON: "a bug"})
    assert time_left([failed] * 3, 2, 1, NOW) == TimeLeft(8.0, 2, 4.0, 1)
