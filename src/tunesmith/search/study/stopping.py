"""What ends a search before n_trials trials count. Running trials go on to their end: several workers may overshoot."""

from __future__ import annotations

import math
from collections.abc import Sequence

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from tunesmith.search.attribute_names import EPOCHS, FIRST_ATTEMPT, OUTSIDE, REPEAT
from tunesmith.search.stopping_rules import NEVER, Stopping
from tunesmith.search.study.front import violations
from tunesmith.search.study.trial import Attempt, State, state_of


def why_stopped(trials: Sequence[FrozenTrial], direction: StudyDirection, stopping: Stopping) -> str | None:
    """Return why no further trial begins, though n_trials may not be used up; None if one may begin.

    A trial that runs meanwhile may still be a new best, and then no_improvement counts from there.
    """
    if stopping == NEVER:
        return None
    best, num_since = _best_and_num_since(trials, direction)
    if best is not None and stopping.target is not None and _reaches(best.values[0], stopping.target, direction):
        return f"trial {best.number} has reached hydra.sweeper.target={stopping.target:g}: {best.values[0]:.6g}"
    if stopping.no_improvement is not None and num_since >= stopping.no_improvement:
        rule = f"hydra.sweeper.no_improvement={stopping.no_improvement}"
        return f"no new best in the last {num_since} trials ({rule})"
    if stopping.total_epochs is not None and (run := epochs_run(trials)) >= stopping.total_epochs:
        return f"{run} epochs were run (hydra.sweeper.total_epochs={stopping.total_epochs})"
    return None


def epochs_run(trials: Sequence[FrozenTrial]) -> int:
    """Return the epochs of all trials, running ones included; a retry goes on with those of the attempt before it."""
    epochs: dict[int, int] = {}
    for trial in trials:
        attributes = trial.user_attrs
        if OUTSIDE not in attributes:  # a worker asks before each trial: what most trials lack is not read
            first = Attempt(trial).first_attempt if FIRST_ATTEMPT in attributes else trial.number
            run = Attempt(trial).epochs if EPOCHS in attributes else len(trial.intermediate_values)
            epochs[first] = max(epochs.get(first, 0), run)
    return sum(epochs.values())


def _best_and_num_since(trials: Sequence[FrozenTrial], direction: StudyDirection) -> tuple[FrozenTrial | None, int]:
    """Return the best feasible trial, the first of equals, and how many trials of a higher number have ended."""
    direction_sign = -1.0 if direction == StudyDirection.MAXIMIZE else 1.0
    best, least, num_since = None, math.inf, 0
    for trial in trials:
        state = state_of(trial)
        if not state.is_counted or REPEAT in trial.user_attrs:
            continue
        num_since += 1
        value = direction_sign * trial.values[0] if state is State.COMPLETE else math.inf
        if value < least and not violations(trial):
            best, least, num_since = trial, value, 0
    return best, num_since


def _reaches(value: float, target: float, direction: StudyDirection) -> bool:
    return value >= target if direction == StudyDirection.MAXIMIZE else value <= target
