"""The budget of a study: exactly n_trials trials count, however many workers ask and whatever is killed.

A trial and its retries count once: they share the rank of the trial's first attempt, and may run if that rank is below
n_trials. A worker that asks for an attempt finds the rank by counting the trials that come before, so that no worker
waits for another one, and no two trials are the last of n_trials.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna import Study, Trial
from optuna.trial import FrozenTrial, TrialState

from tunesmith.search.study.owner import this_process
from tunesmith.search.study.retries import requeue
from tunesmith.search.study.study import tell
from tunesmith.search.study.trial import OWNER, REASON, SURPLUS, Attempt, State, state_of


def ask(study: Study, n_trials: int, folder: Path | None = None) -> Trial | None:
    """Ask for an attempt and claim it; return None if n_trials are used up, though some of them may still be running.

    folder: the study's folder, in which the trial gets its own folder; None if trials write no files.

    Ask first, then count: two processes that counted first would both take the last rank.
    """
    while _has_room(study.get_trials(deepcopy=False), n_trials):
        trial = study.ask()
        try:
            trial.set_user_attr(OWNER, this_process().to_attribute(folder))
            if _may_run(study, trial, n_trials):
                return trial
        except optuna.exceptions.UpdateFinishedTrialError:
            continue  # claimed too late: another worker took the attempt for stale
    return None


def budget_rank(trials: Sequence[FrozenTrial], first_attempt: int) -> int:
    """Return how many trials come before one: those that have ended, and the others that were begun before it.

    The trial may run if its rank is below n_trials. An example with n_trials=3:

        attempt 0   COMPLETE                 rank 0
        attempt 1   LOST                     rank 1: behind trial 0
        attempt 2   RUNNING                  rank 2: behind trials 0 and 1
        attempt 3   WAITING, a retry of 1    rank 1: that of its first attempt
        a further one would be attempt 4     rank 3: surplus, although trial 1 is not running at the moment

    Surplus attempts have no rank. first_attempt: number of the trial's first attempt.
    """
    ended: set[int] = set()
    begun: set[int] = set()
    for trial in trials:
        state = state_of(trial)
        if state.is_counted:
            ended.add(Attempt(trial).first_attempt)
        elif state is State.LOST or not Attempt(trial).is_surplus:
            begun.add(Attempt(trial).first_attempt)
    return len(ended - {first_attempt}) + sum(other < first_attempt for other in begun - ended)


def _may_run(study: Study, trial: Trial, n_trials: int) -> bool:
    """Whether a claimed attempt may run; if it is surplus, a second retry or crashed too often, end it."""
    trials = study.get_trials(deepcopy=False)
    attempt = Attempt(trials[trial.number])
    is_duplicate = _is_second_retry(trials, attempt)
    is_within_budget = _is_within_budget(trials, attempt.first_attempt, n_trials)
    if not is_within_budget and attempt.is_retry and not is_duplicate:
        requeue(study, trial.number)  # it may run in a larger budget
        return False
    if not is_within_budget or is_duplicate:
        trial.set_user_attr(SURPLUS, True)
    elif attempt.gave_up_reason is not None:
        trial.set_user_attr(REASON, attempt.gave_up_reason)
    else:
        return True
    tell(study, trial.number, TrialState.FAIL)
    return False


def _has_room(trials: Sequence[FrozenTrial], n_trials: int) -> bool:
    """Whether a new trial or one of the waiting retries may run."""
    if _is_within_budget(trials, len(trials), n_trials):
        return True
    waiting = (Attempt(trial) for trial in trials if trial.state == TrialState.WAITING)
    return any(_is_within_budget(trials, attempt.first_attempt, n_trials) for attempt in waiting)


def _is_within_budget(trials: Sequence[FrozenTrial], first_attempt: int, n_trials: int) -> bool:
    """Whether a trial has a rank below n_trials; true without counting if there are fewer attempts than n_trials."""
    return len(trials) < n_trials or budget_rank(trials, first_attempt) < n_trials


def _is_second_retry(trials: Sequence[FrozenTrial], attempt: Attempt) -> bool:
    """Whether another process has already queued a retry of the same attempt."""
    retry_of = attempt.retry_of
    if retry_of is None:
        return False
    return any(Attempt(trial).retry_of == retry_of for trial in trials[: attempt.number])
