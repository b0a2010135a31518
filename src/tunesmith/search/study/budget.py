"""The budget of a study: exactly n_trials trials count, however many workers ask and whatever is killed.

A trial and its retries count once, and the trial's first attempt holds its place in the budget. Whoever asks for an
attempt counts how many trials come before it, so that no worker waits for another and no place is given twice.
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

    folder: the study's, in which this process leaves the attempt's own; None if it leaves none.

    Asks first and counts then: two processes that count before they ask both take the last place.
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
        attempt 3   WAITING, a retry of 1    rank 1: it has the place of its first attempt
        a further one would be attempt 4     rank 3: there is no place for it, though trial 1 does not run at present

    Surplus attempts hold no place. first_attempt: number of the trial's first attempt.
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
    """End a claimed attempt that is not going to run: a surplus one, a second retry, one after too many crashes."""
    trials = study.get_trials(deepcopy=False)
    attempt = Attempt(trials[trial.number])
    is_duplicate = _is_second_retry(trials, attempt)
    has_place = _has_place(trials, attempt.first_attempt, n_trials)
    if not has_place and attempt.is_retry and not is_duplicate:
        requeue(study, trial.number)  # it has a place in a larger budget
        return False
    if not has_place or is_duplicate:
        trial.set_user_attr(SURPLUS, True)
    elif attempt.gave_up_reason is not None:
        trial.set_user_attr(REASON, attempt.gave_up_reason)
    else:
        return True
    tell(study, trial.number, TrialState.FAIL)
    return False


def _has_room(trials: Sequence[FrozenTrial], n_trials: int) -> bool:
    """Whether a new trial or one of the retries that wait has a place."""
    if _has_place(trials, len(trials), n_trials):
        return True
    waiting = (Attempt(trial) for trial in trials if trial.state == TrialState.WAITING)
    return any(_has_place(trials, attempt.first_attempt, n_trials) for attempt in waiting)


def _has_place(trials: Sequence[FrozenTrial], first_attempt: int, n_trials: int) -> bool:
    """Whether a trial has one of n_trials places; found without counting while there are fewer attempts than places."""
    return len(trials) < n_trials or budget_rank(trials, first_attempt) < n_trials


def _is_second_retry(trials: Sequence[FrozenTrial], attempt: Attempt) -> bool:
    """Tell a retry of an attempt that another process has queued a retry of before."""
    retry_of = attempt.retry_of
    if retry_of is None:
        return False
    return any(Attempt(trial).retry_of == retry_of for trial in trials[: attempt.number])
