"""Looks after workers that hang: stopped, deadlocked, or waiting in the kernel for what does not come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from tunesmith.search.console.lines import say
from tunesmith.search.study.owner import Owner
from tunesmith.search.study.silence import Silences, in_minutes
from tunesmith.search.study.study import fail
from tunesmith.search.study.trial import Attempt
from tunesmith.search.worker.trial_reporter import timeout_reason

# How much longer than trial_timeout a trial may run until its worker is ended: a worker ends a trial by itself at the
# end of a batch, or after a validation, and ends a trial's own process within 5 s.
TIMEOUT_GRACE_S = 30.0
# How long to wait for the study until the worker is ended: it may have been stopped while it held the journal's lock.
TELL_S = 5.0
# The workers as a whole, if none of them has a trial.
_ALL = -1


class Watched(Protocol):
    """A worker that may hang."""

    @property
    def name(self) -> str:
        """Its name in messages."""

    @property
    def kill_command(self) -> str:
        """What a user types to end it."""

    def condition(self) -> str:
        """Return what the system says of it, in words."""

    def owns(self, owner: Owner | None) -> bool:
        """Whether a trial's owner is this worker."""

    def is_queued(self) -> bool:
        """Whether it has not begun to work yet."""

    def cancel(self) -> None:
        """End it, without waiting for its end."""


class HangWatch:
    """Ends workers whose trial's time is over, and says which trials show no progress; by its own clock alone.

    A worker that hangs cannot look at the time itself, and its heartbeat comes from a thread that may well go on.
    """

    def __init__(
        self,
        reopen: Callable[[], Study],
        trial_timeout: float | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """reopen: gives the study as it is stored; trial_timeout: seconds that an attempt may take."""
        self._reopen = reopen
        self._trial_timeout = trial_timeout
        self._clock = clock
        self._silences = Silences(clock)
        self._begun: dict[int, float] = {}  # when this process first saw the attempt
        self._over: set[int] = set()

    def look(self, trials: Sequence[FrozenTrial], workers: Iterable[Watched]) -> None:
        """Look at the living workers of this sweep and at what they run; trials: all of the study."""
        running = [trial for trial in trials if trial.state == TrialState.RUNNING]
        workers = [worker for worker in workers if not worker.is_queued()]
        for trial in running:
            owner = Attempt(trial).owner
            for worker in workers:
                if worker.owns(owner) and trial.number not in self._over:
                    self._look_at(trial, worker)
        self._look_at_idle([] if running else workers, len(trials))

    def _look_at(self, trial: FrozenTrial, worker: Watched) -> None:
        begun = self._begun.setdefault(trial.number, self._clock())
        limit = self._trial_timeout
        if limit is not None and self._clock() - begun > limit + TIMEOUT_GRACE_S:
            self._over.add(trial.number)
            self._end(trial, worker, limit)
            return
        seconds = self._silences.worth_telling(trial.number, Attempt(trial).progress)
        if seconds is not None:
            hint = "; hydra.sweeper.trial_timeout=SECONDS ends such a trial" if limit is None else ""
            say(
                f"{worker.name}  trial {trial.number:>3}  no progress for {in_minutes(seconds)} "
                f"({worker.condition()}); if it hangs, {worker.kill_command} has it retried{hint}"
            )

    def _look_at_idle(self, workers: Sequence[Watched], num_trials: int) -> None:
        """Look at workers of which none has a trial; one that waits for a trial of another worker is none of them."""
        if not workers:
            self._silences.forget(_ALL)
            return
        seconds = self._silences.worth_telling(_ALL, num_trials)
        if seconds is not None:
            conditions = ", ".join(f"{worker.name} ({worker.condition()})" for worker in workers)
            say(f"no trial has begun for {in_minutes(seconds)}: {conditions}")

    def _end(self, trial: FrozenTrial, worker: Watched, limit: float) -> None:
        """Tell that a trial has failed, and then end its worker: the other way round the trial would be retried."""
        has_failed: list[bool] = []
        teller = threading.Thread(
            target=lambda: has_failed.append(fail(self._reopen(), trial, timeout_reason(limit))), daemon=True
        )
        teller.start()
        teller.join(TELL_S)
        if has_failed == [False]:
            return  # it has ended by itself meanwhile
        say(
            f"{worker.name}  trial {trial.number:>3}  has not ended {TIMEOUT_GRACE_S:g} s after "
            f"hydra.sweeper.trial_timeout={limit:g} s ({worker.condition()}); its worker is killed"
        )
        worker.cancel()
        teller.join(TELL_S)
