"""Attempts at a trial: asked for within the budget, given back, found lost, queued again.

A trial and its later attempts count once. What takes a place of n_trials is the first attempt: whoever asks for one
finds out how many there were before, so that no worker has to wait for another, and no place is given twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna import Study, Trial
from optuna.trial import FrozenTrial, TrialState, create_trial

from tunesmith.search.sampling.sampler import FIRST_ATTEMPT, SURPLUS
from tunesmith.search.storage.reconnecting import clock_of
from tunesmith.search.study.owner import is_dead, is_here, this_process
from tunesmith.search.study.study import HEARTBEAT, OWNER, REASON, first_attempt, is_counted, is_lost

# The attempt that a trial was queued for again, and how many attempts before it ended with their process.
RETRY_OF = "retry_of"
CRASHES = "deaths"
# Why there is no further attempt: set on the one that would have been.
GAVE_UP_REASON = "exhausted"
# An owner elsewhere whose lease nobody has renewed for so many seconds is lost; one here is asked for by its pid.
HEARTBEAT_TIMEOUT_S = 60.0
# A process killed between asking and signing leaves a trial without owner, one killed between telling and queueing a
# lost one without its next attempt. Both take milliseconds, and whoever is overtaken notices.
CLAIM_TIMEOUT_S = 10.0


def ask(study: Study, n_trials: int, folder: Path | None = None) -> Trial | None:
    """Ask for a trial and sign it; None where all places are taken, which is not yet the end of those that run.

    folder: the study's, where this process leaves the trial's own; None where it leaves none.

    Asked first and counted after: two processes that count before they ask both take the last place.
    """
    while _has_room(study.get_trials(deepcopy=False), n_trials):
        trial = study.ask()
        try:
            trial.set_user_attr(OWNER, {**this_process(), "folder": folder and str(folder.absolute())})
            if _is_ours(study, trial, n_trials):
                return trial
        except optuna.exceptions.UpdateFinishedTrialError:
            continue  # signed too late: taken away
    return None


def _is_ours(study: Study, trial: Trial, n_trials: int) -> bool:
    """End a trial that is not to run: a surplus one, a second next attempt, one after too many attempts."""
    trials = study.get_trials(deepcopy=False)
    first = first_attempt(trials[trial.number])
    is_duplicate = _is_duplicate(trials, trial.number)
    has_place = _has_place(trials, first, n_trials)
    if not has_place and first != trial.number and not is_duplicate:
        requeue(study, trial.number)  # of a larger budget
        return False
    if not has_place or is_duplicate:
        trial.set_user_attr(SURPLUS, True)
    elif GAVE_UP_REASON in trial.user_attrs:
        trial.set_user_attr(REASON, trial.user_attrs[GAVE_UP_REASON])
    else:
        return True
    tell(study, trial.number, TrialState.FAIL)
    return False


def requeue(study: Study, number: int) -> bool:
    """End an attempt that has to end through no fault of its own: it runs again, from its last checkpoint.

    Returns: False where it was over already.
    """
    if not tell(study, number, TrialState.FAIL):
        return False
    trial = study.get_trials(deepcopy=False)[number]
    kept = {key: trial.user_attrs[key] for key in (CRASHES, GAVE_UP_REASON) if key in trial.user_attrs}
    _queue_again(study, trial, kept)
    return True


def requeue_own(study: Study) -> None:
    """Give back what this process has left running, in a view of the study that was its own alone."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if this_process().items() <= trial.user_attrs.get(OWNER, {}).items():
            requeue(study, trial.number)


def was_requeued(trials: Sequence[FrozenTrial], number: int) -> bool:
    """Whether an attempt was given back, which a process may do without end."""
    deaths = trials[number].user_attrs.get(CRASHES, 0)
    later = (trial.user_attrs for trial in trials[number + 1 :])
    return any((attrs.get(RETRY_OF), attrs.get(CRASHES)) == (number, deaths) for attrs in later)


class StaleTrials:
    """Finds the attempts whose process is gone and queues their trials again.

    What cannot be known at once is watched: only this process's own clock is looked at.
    """

    def __init__(self, study: Study, max_retries: int, clock: Callable[[], float] | None = None) -> None:
        """max_retries: of a trial whose attempts end with their process; after them it has failed."""
        self._study = study
        self._max_retries = max_retries
        self._clock = clock or clock_of(study._storage)
        self._seen: dict[int, tuple[Any, float]] = {}

    def heal(self) -> list[int]:
        """Return the numbers of the attempts that this call has ended."""
        healed = []
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            is_ended = self._is_orphan(trial) and tell(self._study, trial.number, TrialState.FAIL)
            if is_ended and SURPLUS not in trial.user_attrs:
                self._try_again(trial)
                healed.append(trial.number)
        for trial in _forgotten(self._study.get_trials(deepcopy=False)):
            if self._unchanged_for(trial, "ended") > CLAIM_TIMEOUT_S:
                self._try_again(trial)  # whoever ended it was killed before it could
        return healed

    def _is_orphan(self, trial: FrozenTrial) -> bool:
        owner = trial.user_attrs.get(OWNER)
        if owner is None:
            return self._unchanged_for(trial, "asked for") > CLAIM_TIMEOUT_S
        if is_here(owner):
            return is_dead(owner)
        return self._unchanged_for(trial, (owner, trial.user_attrs.get(HEARTBEAT))) > HEARTBEAT_TIMEOUT_S

    def _unchanged_for(self, trial: FrozenTrial, sign: Any) -> float:
        """Return for how many seconds this process has seen a trial's sign of life unchanged."""
        now = self._clock()
        seen, since = self._seen.get(trial.number, (None, now))
        if seen != sign:
            since = now
        self._seen[trial.number] = (sign, since)
        return now - since

    def _try_again(self, trial: FrozenTrial) -> None:
        deaths = trial.user_attrs.get(CRASHES, 0) + 1
        attrs: dict[str, Any] = {CRASHES: deaths}
        if deaths > self._max_retries:
            attrs[GAVE_UP_REASON] = (
                f"its process ended {deaths} times (killed, out of memory?); "
                f"hydra.sweeper.max_retries={self._max_retries}"
            )
        _queue_again(self._study, trial, attrs)


def tell(study: Study, number: int, state: TrialState, value: float | None = None) -> bool:
    """Return whether this call was the one that ended the attempt."""
    try:
        study.tell(number, value, state)
    except (ValueError, optuna.exceptions.UpdateFinishedTrialError):
        return False
    return True


def _has_room(trials: Sequence[FrozenTrial], n_trials: int) -> bool:
    if _has_place(trials, len(trials), n_trials):
        return True
    waiting = (first_attempt(trial) for trial in trials if trial.state == TrialState.WAITING)
    return any(_has_place(trials, first, n_trials) for first in waiting)


def _has_place(trials: Sequence[FrozenTrial], first: int, n_trials: int) -> bool:
    """Whether a trial has one of n_trials places: without counting while there are fewer attempts than places."""
    return len(trials) < n_trials or _place(trials, first) < n_trials


def _place(trials: Sequence[FrozenTrial], first: int) -> int:
    """Return how many trials come before one: those that have ended, and those that were begun before it."""
    counted = {first_attempt(trial) for trial in trials if is_counted(trial)}
    begun = {first_attempt(trial) for trial in trials if SURPLUS not in trial.user_attrs}
    return len(counted - {first}) + sum(other < first for other in begun - counted)


def _is_duplicate(trials: Sequence[FrozenTrial], number: int) -> bool:
    """Tell a next attempt that another process had queued before: two may find the same one forgotten."""
    of = trials[number].user_attrs.get(RETRY_OF)
    return of is not None and any(trial.user_attrs.get(RETRY_OF) == of for trial in trials[:number])


def _forgotten(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return the last attempts that are lost."""
    last = {first_attempt(trial): trial for trial in trials if SURPLUS not in trial.user_attrs}
    return [trial for trial in last.values() if is_lost(trial)]


def _queue_again(study: Study, trial: FrozenTrial, attrs: Mapping[str, Any]) -> None:
    """Queue the next attempt: same parameters, same folder, epochs that were reported."""
    study.add_trial(
        create_trial(
            state=TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            intermediate_values=trial.intermediate_values,
            user_attrs={FIRST_ATTEMPT: first_attempt(trial), RETRY_OF: trial.number, CRASHES: 0, **attrs},
        )
    )
