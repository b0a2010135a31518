"""The budget of a study: exactly n_trials trials count, however many workers ask and whatever is killed.

A trial and its retries count once: they share the rank of the trial's first attempt, and may run if that rank is below
n_trials. A worker that asks for an attempt finds the rank by counting the trials that come before, so that no worker
waits for another one, and no two trials are the last of n_trials.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import optuna
from optuna import Study, Trial
from optuna.trial import FrozenTrial, TrialState

from tunesmith.search.study.owner import this_process
from tunesmith.search.study.retries import requeue
from tunesmith.search.study.study import tell
from tunesmith.search.study.study_of_space import StudyOfSpace
from tunesmith.search.study.trial import CONFIG, OWNER, REASON, SURPLUS, Attempt, State, state_of


def ask(study: Study, n_trials: int, folder: Path | None = None) -> Trial | None:
    """Ask for an attempt and claim it; return None if n_trials are used up, though some of them may still be running.

    folder: the study's folder, in which the trial gets its own folder; None if trials write no files.

    Ask first, then count: two processes that counted first would both take the last rank.
    """
    while _has_room(study.get_trials(deepcopy=False), n_trials):
        trial = study.ask()
        try:
            trial.set_user_attr(OWNER, {**this_process().to_attribute(folder), **_config_field(study)})
            if _may_run(study, trial, n_trials):
                return trial
        except optuna.exceptions.UpdateFinishedTrialError:
            continue  # claimed too late: another worker took the attempt for stale
    return None


def keeps_point(study: Study, trial: Trial) -> bool:
    """Whether an attempt is the only one at its point of an enumerated space; if not, end it as surplus.

    Draw first, then look: of two workers that took the same point, at least one sees the other.
    """
    if not (isinstance(study, StudyOfSpace) and study.is_enumerated):
        return True
    held, _ = study.points_held(apart_from=Attempt(trial).first_attempt)
    if study.members.point(trial) not in held:
        return True
    withdraw(study, trial)
    return False


def withdraw(study: Study, trial: Trial) -> None:
    """End an attempt as surplus: it does not run, and leaves the budget to others."""
    with suppress(optuna.exceptions.UpdateFinishedTrialError):  # another worker has ended it
        trial.set_user_attr(SURPLUS, True)
        tell(study, trial.number, TrialState.FAIL)


def budget_rank(trials: Sequence[FrozenTrial], first_attempt: int) -> int:
    """Return how many trials come before one: those that have ended, and the others that were begun before it.

    The trial may run if its rank is below n_trials. An example with n_trials=3:

        attempt 0   COMPLETE                 rank 0
        attempt 1   LOST                     rank 1: behind trial 0
        attempt 2   RUNNING                  rank 2: behind trials 0 and 1
        attempt 3   WAITING, a retry of 1    rank 1: that of its first attempt
        a further one would be attempt 4     rank 3: surplus, although trial 1 is not running at the moment

    Surplus attempts have no rank, and neither have trials that are no point of the present space, or repeat a point of
    a space that is enumerated. A trial whose retry is surplus, because another one runs its point, has none either: it
    gets no further attempt. first_attempt: number of the trial's first attempt.
    """
    ended: set[int] = set()
    begun: set[int] = set()
    retried: set[int | None] = set()
    withdrawn: dict[int | None, int] = {}
    for trial in trials:
        state, attempt = state_of(trial), Attempt(trial)
        if state is State.OUTSIDE or attempt.is_repeat:
            continue
        if attempt.is_surplus:
            withdrawn[attempt.retry_of] = attempt.first_attempt
        else:
            retried.add(attempt.retry_of)
        if state.is_counted:
            ended.add(attempt.first_attempt)
        elif state is State.LOST or not attempt.is_surplus:
            begun.add(attempt.first_attempt)
    given_up = {first for retry_of, first in withdrawn.items() if retry_of is not None and retry_of not in retried}
    return len(ended - {first_attempt}) + sum(other < first_attempt for other in begun - ended - given_up)


def _config_field(study: Study) -> dict[str, str]:
    """Return what an owner says of the config that its trials have in common."""
    digest = study.members.digest if isinstance(study, StudyOfSpace) else None
    return {} if digest is None else {CONFIG: digest}


def _may_run(study: Study, trial: Trial, n_trials: int) -> bool:
    """Whether a claimed attempt may run; if it is surplus, a second retry or crashed too often, end it."""
    trials = study.get_trials(deepcopy=False)
    attempt = Attempt(trials[trial.number])
    if attempt.state is State.OUTSIDE:  # a retry: it stays lost until the space has its point again
        tell(study, trial.number, TrialState.FAIL)
        return False
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
    waiting = (Attempt(trial) for trial in trials if state_of(trial) is State.WAITING)
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
