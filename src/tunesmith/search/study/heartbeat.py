"""The heartbeats of a worker's attempts: they show workers on other machines that this worker lives."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from optuna import Study, Trial
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from tunesmith.search.storage.journal import one_append
from tunesmith.search.study.trial import HEARTBEAT

log = logging.getLogger(__name__)

# An attempt whose owner is on another machine is stale after so many seconds without a heartbeat.
HEARTBEAT_TIMEOUT_S = 60.0
# A sixth of the time-out, so that a slow storage or a few failed writes make no attempt stale.
HEARTBEAT_INTERVAL_S = 10.0


class Heartbeats:
    """Beats for all attempts that a worker runs, from one thread and with one append to a journal."""

    def __init__(self, study: Study, interval_s: float = HEARTBEAT_INTERVAL_S) -> None:
        self._study = study
        self._interval_s = interval_s
        self._running: dict[int, Trial] = {}
        self._taken: set[int] = set()
        self._lock = threading.Lock()
        self._beats = 0

    @contextmanager
    def run(self) -> Iterator[None]:
        """Run the thread for the time of a block."""
        over = threading.Event()
        thread = threading.Thread(target=self._beat_until, args=(over,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def add(self, trial: Trial) -> None:
        """Beat for an attempt from now on."""
        with self._lock:
            self._running[trial.number] = trial

    def remove(self, number: int) -> None:
        """Stop beating for an attempt; waits until a beat in progress has ended."""
        with self._lock:
            self._running.pop(number, None)
            self._taken.discard(number)

    def is_taken(self, number: int) -> bool:
        """Whether another worker has ended the attempt meanwhile."""
        return number in self._taken

    def _beat_until(self, over: threading.Event) -> None:
        while not over.wait(self._interval_s):
            with self._lock:
                try:
                    self._beat()
                except Exception as error:  # a storage that does not answer may do so the next time
                    numbers = ", ".join(map(str, self._running))
                    log.warning("no heartbeat could be written for trial %s: %s", numbers, error)

    def _beat(self) -> None:
        self._beats += 1
        running = {number: trial for number, trial in self._running.items() if number not in self._taken}
        if not running:
            return
        with one_append(self._study._storage):
            for number, trial in running.items():
                try:
                    trial.set_user_attr(HEARTBEAT, self._beats)
                except UpdateFinishedTrialError:
                    self._taken.add(number)
        still_running = {trial.number for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))}
        self._taken |= running.keys() - still_running
