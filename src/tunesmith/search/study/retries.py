"""Attempts that end through no fault of their own, requeued by their worker or found stale by another one, and retries.

A lost attempt needs no entry in a queue: whoever asks next begins its retry, with owner and all in one write. So no
kill leaves a trial behind that nobody goes on with. Of two that begin a retry at the same moment, the later is surplus.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

from optuna import Study
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState, create_trial

from tunesmith.search.attribute_names import CONFIG, CRASHES, FIRST_ATTEMPT, POINT, REQUEUED, RETRY_OF, STAGE
from tunesmith.search.storage.reconnecting import clock_of
from tunesmith.search.storage.stand_ins import is_stand_in
from tunesmith.search.study.heartbeat import HEARTBEAT_TIMEOUT_S
from tunesmith.search.study.study import tell
from tunesmith.search.study.trial import Attempt, State, state_of

# An attempt without owner was taken from Optuna's queue, and its process may have been killed before it claimed it.
CLAIM_TIMEOUT_S = 10.0


def requeue(study: Study, number: int) -> bool:
    """End an attempt as lost through no fault of its own; its retry goes on from the last checkpoint.

    An attempt whose failure was written down already has failed, and gets no retry.

    Returns: False if the attempt had ended before.
    """
    trial = study.get_trials(deepcopy=False)[number]
    try:
        study._storage.set_trial_user_attr(trial._trial_id, REQUEUED, True)
    except UpdateFinishedTrialError:
        return False
    return tell(study, number, TrialState.FAIL)


def requeue_own(study: Study) -> None:
    """Requeue this process's attempts that are still RUNNING in the study: a fresh process will run them."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        owner = Attempt(trial).owner
        if owner is not None and owner.is_this_process():
            requeue(study, trial.number)


def was_requeued(trials: Sequence[FrozenTrial], number: int) -> bool:
    """Whether an attempt was requeued by its worker instead of crashing; requeues have no limit."""
    return Attempt(trials[number]).is_requeued


class StaleTrials:
    """Finds the attempts whose process is gone, and ends them, so that they are retried.

    If the owner is on another machine, an attempt is stale when its heartbeat stands still on our own clock.
    """

    def __init__(
        self, study: Study, running: Container[int] | None = None, clock: Callable[[], float] | None = None
    ) -> None:
        """running: numbers of the attempts that this process runs, None if they are not known."""
        self._study = study
        self._running = running
        self._clock = clock or clock_of(study._storage)
        self._last_seen: dict[int, tuple[Any, float]] = {}

    def end(self) -> list[int]:
        """End the stale attempts; return the numbers of those that wait for a retry now."""
        ended = []
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            attempt = Attempt(trial)
            if self._is_forgotten(attempt):
                requeue(self._study, trial.number)
            elif self._is_stale(trial) and tell(self._study, trial.number, TrialState.FAIL):
                ended += [trial.number] * (attempt.holds_point and attempt.reason is None)
        return ended

    def _is_forgotten(self, attempt: Attempt) -> bool:
        """Whether this process has the attempt without knowing: a database took the ask, and its answer was cut off."""
        if self._running is None or attempt.owner is None or attempt.number in self._running:
            return False
        return attempt.owner.is_this_process()

    def _is_stale(self, trial: FrozenTrial) -> bool:
        attempt = Attempt(trial)
        owner = attempt.owner
        has_drawn = attempt.params and not attempt.is_retry  # after it was claimed
        if owner is None and not has_drawn and not is_stand_in(trial):
            return self._unchanged_for(attempt.number, "unclaimed") > CLAIM_TIMEOUT_S
        lives = None if owner is None else owner.lives()
        if lives is not None:
            return not lives
        return self._unchanged_for(attempt.number, (owner, attempt.heartbeat)) > HEARTBEAT_TIMEOUT_S

    def _unchanged_for(self, number: int, sign_of_life: Any) -> float:
        """Return for how many seconds this process has seen an attempt's sign of life unchanged."""
        now = self._clock()
        seen, since = self._last_seen.get(number, (None, now))
        if seen != sign_of_life:
            since = now
        self._last_seen[number] = (sign_of_life, since)
        return now - since


def next_to_retry(trials: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """Return, of the lost attempts that are the last of their trial, the one whose trial was begun first.

    A trial that was withdrawn gets no further attempt, and neither has the later of two retries of one attempt a retry
    of its own: its process may have been killed before it could mark it as surplus.
    """
    lost = [trial for trial in trials if trial.state == TrialState.FAIL and state_of(trial) is State.LOST]
    if not lost:
        return None
    retries = _first_retries(trials)
    numbers = {attempt.number for attempt in retries}
    lost = [trial for trial in lost if not Attempt(trial).is_retry or trial.number in numbers]
    going_on = [attempt for attempt in retries if not attempt.is_surplus]
    last = {attempt.first_attempt: attempt.number for attempt in going_on}
    withdrawn = {each.retry_of for each in retries} - {each.retry_of for each in going_on}  # their points are taken
    to_retry = [
        trial
        for trial in lost
        if trial.number not in withdrawn and trial.number >= last.get(Attempt(trial).first_attempt, trial.number)
    ]
    return min(to_retry, key=lambda trial: Attempt(trial).first_attempt, default=None)


def _first_retries(trials: Sequence[FrozenTrial]) -> list[Attempt]:
    """Return all retries but those of which another process had begun one before, marked as surplus or not yet."""
    first: dict[int | None, Attempt] = {}
    for attempt in (Attempt(trial) for trial in trials if FIRST_ATTEMPT in trial.user_attrs):
        first.setdefault(attempt.retry_of, attempt)
    return list(first.values())


def make_retry(trials: Sequence[FrozenTrial], lost: FrozenTrial, owner: Mapping[str, Any]) -> FrozenTrial:
    """Return a retry of an attempt: same stage, point, parameters and folder, with the epochs that were reported.

    owner: the attribute of the process that begins it.
    """
    attempt = Attempt(lost)
    chain = {FIRST_ATTEMPT: attempt.first_attempt, RETRY_OF: lost.number, CRASHES: _crashes_until_end(trials, attempt)}
    config = {} if attempt.config_digest is None else {CONFIG: attempt.config_digest}
    stage = {} if attempt.stage is None else {STAGE: attempt.stage}
    return create_trial(
        state=TrialState.RUNNING,
        params=lost.params,
        distributions=lost.distributions,
        intermediate_values=lost.intermediate_values,
        user_attrs={**owner, **chain, **config, **stage},
        system_attrs={name: value for name, value in lost.system_attrs.items() if name == POINT},
    )


def _crashes_until_end(trials: Sequence[FrozenTrial], attempt: Attempt) -> int:
    """Return how many attempts in a row have crashed without progress between, the lost one included.

    A crash after progress is the first of a new row, not none: with max_retries=0 any crash is one too many.
    """
    before = 0 if _made_progress(trials, attempt) else attempt.crashes
    return before if attempt.is_requeued else before + 1


def _made_progress(trials: Sequence[FrozenTrial], attempt: Attempt) -> bool:
    """Whether an attempt has reported a step beyond those of the attempts before, whose values it began with.

    The last step counts, not the number of steps: a job without checkpoints, which begins anew, reports the same again.
    """
    reached, before = (
        -math.inf if number is None else max(trials[number].intermediate_values, default=-math.inf)
        for number in (attempt.number, attempt.retry_of)
    )
    return reached > before
