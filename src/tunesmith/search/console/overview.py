"""What can be said of a sweep while it runs, from the trials of its study."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tunesmith.search.study.counts import Counts
from tunesmith.search.study.owner import Owner
from tunesmith.search.study.trial import Attempt, State

# How many of the last ended trials tell how long the next ones take, and how many there must be.
NUM_TIMED, MIN_TIMED = 30, 3


@dataclass(frozen=True)
class RunningTrial:
    """A trial that runs, and how far it has come.

    epochs: that it has trained; planned: that it will train at most, None if that is unknown.
    value: its last one; best: its best one, at the step best_at. None: it has reported none.
    """

    number: int
    owner: Owner | None
    epochs: int
    planned: int | None
    value: float | None
    best: float | None
    best_at: int | None
    params: Mapping[str, Any]


@dataclass(frozen=True)
class TimeLeft:
    """An estimate: the mean seconds of the last ended trials, times what is left, over how many run at once."""

    seconds: float
    num_left: int
    mean_seconds: float
    num_at_once: int


@dataclass(frozen=True)
class Overview:
    """A sweep at one moment.

    done, n_trials: of the sweep. stage: name, done and number of trials of the stage at work, None without stages.
    best: the sweep's best trial so far; num_front: of several objectives, how many trials lie on the Pareto front.
    elapsed: seconds of this call of the command.
    """

    done: int
    n_trials: int
    counts: Counts
    elapsed: float
    stage: tuple[str, int, int] | None = None
    best: tuple[float, int] | None = None
    num_front: int | None = None
    left: TimeLeft | None = None
    running: Sequence[RunningTrial] = field(default_factory=list)


def running_trials(
    trials: Sequence[FrozenTrial], direction: StudyDirection, planned: Callable[[FrozenTrial], int | None]
) -> list[RunningTrial]:
    """Return the trials that run; planned: gives the epochs that a trial will train at most."""
    running = [trial for trial in trials if _runs(trial)]
    return [_running(trial, direction, planned(trial)) for trial in running]


def _runs(trial: FrozenTrial) -> bool:
    """Whether a trial of the sweep runs; Optuna's own state, which tells most trials apart, is asked first."""
    attempt = Attempt(trial)
    return trial.state == TrialState.RUNNING and attempt.state is State.RUNNING and not attempt.is_surplus


def _running(trial: FrozenTrial, direction: StudyDirection, planned: int | None) -> RunningTrial:
    attempt, values = Attempt(trial), trial.intermediate_values
    pick = max if direction == StudyDirection.MAXIMIZE else min
    numbers = {step: value for step, value in values.items() if not math.isnan(value)}
    best_at = pick(numbers, key=lambda step: numbers[step], default=None)
    return RunningTrial(
        attempt.number,
        attempt.owner,
        attempt.epochs,
        planned,
        values[max(values)] if values else None,
        None if best_at is None else numbers[best_at],
        best_at,
        attempt.params,
    )


def time_left(trials: Sequence[FrozenTrial], num_left: int, num_at_once: int, now: datetime) -> TimeLeft | None:
    """Estimate how long num_left trials take, those that run among them; None before MIN_TIMED trials have ended.

    The mean of pruned and complete trials together, because their seconds add up.
    """
    ended = (attempt.seconds for attempt in map(Attempt, reversed(trials)) if attempt.state.is_counted)
    seconds = list(islice(ended, NUM_TIMED))
    if len(seconds) < MIN_TIMED or num_left < 1:
        return None
    mean, num_at_once = sum(seconds) / len(seconds), max(1, min(num_at_once, num_left))
    spent = sum(min(mean, _age(trial, now)) for trial in trials if _runs(trial))
    return TimeLeft(max(0.0, mean * num_left - spent) / num_at_once, num_left, mean, num_at_once)


def _age(trial: FrozenTrial, now: datetime) -> float:
    """Return for how many seconds a trial has run; a study may hold a time with or without a zone."""
    return max(0.0, now.timestamp() - trial.datetime_start.timestamp()) if trial.datetime_start else 0.0
