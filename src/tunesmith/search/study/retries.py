"""Attempts that end through no fault of their own: requeued by their worker, or found stale by another one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from optuna import Study
from optuna.trial import FrozenTrial, TrialState, create_trial

from tunesmith.search.storage.reconnecting import clock_of
from tunesmith.search.study.heartbeat import HEARTBEAT_TIMEOUT_S
from tunesmith.search.study.study import tell
from tunesmith.search.study.trial import (
    CONFIG,
    CRASHES,
    FIRST_ATTEMPT,
    GAVE_UP_REASON,
    RETRY_OF,
    Attempt,
    State,
    state_of,
)

# A process killed between asking for an attempt and claiming it leaves an attempt without owner; one killed between
# ending an attempt and queueing its retry leaves a lost attempt without a retry. Both gaps take milliseconds, and a
# process that is merely slow notices at its next write that it was overtaken.
CLAIM_TIMEOUT_S = 10.0


def requeue(study: Study, number: int) -> bool:
    """End an attempt as lost and queue its retry, which goes on from the last checkpoint.

    An attempt whose failure was written down already has failed, and gets no retry.

    Returns: False if the attempt had ended before.
    """
    if not tell(study, number, TrialState.FAIL):
        return False
    trial = study.get_trials(deepcopy=False)[number]
    if state_of(trial) is not State.LOST:
        return True  # interrupted when its failure was written down, and before it was told: it has failed
    kept = {key: trial.user_attrs[key] for key in (CRASHES, GAVE_UP_REASON) if key in trial.user_attrs}
    _queue_retry(study, trial, kept)
    return True


def requeue_own(study: Study) -> None:
    """Requeue this process's attempts that are still RUNNING in the study: a fresh process will run them."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        owner = Attempt(trial).owner
        if owner is not None and owner.is_this_process():
            requeue(study, trial.number)


def was_requeued(trials: Sequence[FrozenTrial], number: int) -> bool:
    """Whether an attempt was requeued by its worker instead of crashing; requeues have no limit."""
    crashes = Attempt(trials[number]).crashes
    later = map(Attempt, trials[number + 1 :])
    return any(attempt.retry_of == number and attempt.crashes == crashes for attempt in later)


class StaleTrials:
    """Finds the attempts whose process is gone, and queues a retry of each.

    If the owner is on another machine, an attempt is stale when its heartbeat stands still on our own clock.
    """

    def __init__(self, study: Study, max_retries: int, clock: Callable[[], float] | None = None) -> None:
        """max_retries: how often a trial is retried after crashes; one crash more and the trial has failed."""
        self._study = study
        self._max_retries = max_retries
        self._clock = clock or clock_of(study._storage)
        self._last_seen: dict[int, tuple[Any, float]] = {}

    def retry(self) -> list[int]:
        """End the stale attempts and queue their retries; return the numbers of the attempts that this call ended."""
        ended = []
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            attempt = Attempt(trial)
            has_ended = self._is_stale(attempt) and tell(self._study, trial.number, TrialState.FAIL)
            if has_ended and attempt.holds_point and attempt.reason is None:
                self._queue_retry_after_crash(trial)
                ended.append(trial.number)
        for trial in _lost_without_retry(self._study.get_trials(deepcopy=False)):
            if self._unchanged_for(trial.number, "ended") > CLAIM_TIMEOUT_S:
                self._queue_retry_after_crash(trial)  # the process that ended the attempt was killed before it could
        return ended

    def _is_stale(self, attempt: Attempt) -> bool:
        owner = attempt.owner
        if owner is None and not (attempt.params and not attempt.is_retry):  # an attempt draws after it was claimed
            return self._unchanged_for(attempt.number, "unclaimed") > CLAIM_TIMEOUT_S
        if owner is not None and owner.is_here():
            return owner.is_dead()
        return self._unchanged_for(attempt.number, (owner, attempt.heartbeat)) > HEARTBEAT_TIMEOUT_S

    def _unchanged_for(self, number: int, sign_of_life: Any) -> float:
        """Return for how many seconds this process has seen an attempt's sign of life unchanged."""
        now = self._clock()
        seen, since = self._last_seen.get(number, (None, now))
        if seen != sign_of_life:
            since = now
        self._last_seen[number] = (sign_of_life, since)
        return now - since

    def _queue_retry_after_crash(self, trial: FrozenTrial) -> None:
        crashes = Attempt(trial).crashes + 1
        attributes: dict[str, Any] = {CRASHES: crashes}
        if crashes > self._max_retries:
            attributes[GAVE_UP_REASON] = (
                f"its process ended {crashes} times (killed, out of memory?); "
                f"hydra.sweeper.max_retries={self._max_retries}"
            )
        _queue_retry(self._study, trial, attributes)


def _lost_without_retry(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return the attempts that are the last of their trial and lost; a trial that was withdrawn has none."""
    lost = [trial for trial in trials if state_of(trial) is State.LOST]
    if not lost:
        return []
    retries = [attempt for attempt in map(Attempt, trials) if attempt.is_retry]
    going_on = [attempt for attempt in retries if not attempt.is_surplus]
    last = {attempt.first_attempt: attempt.number for attempt in going_on}
    withdrawn = {each.retry_of for each in retries} - {each.retry_of for each in going_on}  # their points are taken
    return [
        trial
        for trial in lost
        if trial.number not in withdrawn and trial.number >= last.get(Attempt(trial).first_attempt, trial.number)
    ]


def _queue_retry(study: Study, trial: FrozenTrial, attributes: Mapping[str, Any]) -> None:
    """Queue a retry of an attempt: same parameters, same folder, with the epochs that were reported."""
    attempt = Attempt(trial)
    chain = {FIRST_ATTEMPT: attempt.first_attempt, RETRY_OF: trial.number, CRASHES: 0}
    config = {} if attempt.config_digest is None else {CONFIG: attempt.config_digest}
    study.add_trial(
        create_trial(
            state=TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            intermediate_values=trial.intermediate_values,
            user_attrs={**chain, **config, **attributes},
        )
    )
