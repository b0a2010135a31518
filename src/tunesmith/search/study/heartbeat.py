"""The heartbeats of a worker's attempts: they show workers on other machines that this worker lives."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from optuna import Study, Trial
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from tunesmith.search.attribute_names import HEARTBEAT, PROGRESS
from tunesmith.search.storage.journal import one_append
from tunesmith.search.study.silence import Silences

log = logging.getLogger(__name__)

# An attempt whose owner is on another machine is stale after so many seconds without a heartbeat.
HEARTBEAT_TIMEOUT_S = 60.0
# A sixth of the time-out, so that a slow storage or a few failed writes make no attempt stale.
HEARTBEAT_INTERVAL_S = 10.0
# A run that has not asked for so long may have been stopped, and its attempt taken away: it looks before it goes on.
ASK_INTERVAL_S = 20.0


def seconds_awake_or_not() -> float:
    """Return seconds that pass while this process is stopped, and on Linux while its machine sleeps as well."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Heartbeats:
    """Beats for all attempts that a worker runs, from one thread and with one append to a journal.

    A beat says that the worker lives. Beside it stands what the run has got done: that is the run's own word.
    """

    def __init__(
        self,
        study: Study,
        interval_s: float = HEARTBEAT_INTERVAL_S,
        clock: Callable[[], float] = seconds_awake_or_not,
        tell_silence: Callable[[int, float], None] | None = None,
    ) -> None:
        """tell_silence: takes a trial's number and seconds without progress, if nobody else watches this process."""
        self._study = study
        self._interval_s = interval_s
        self._clock = clock
        self._tell_silence = tell_silence
        self._silences = Silences()
        self._running: dict[int, Trial] = {}
        self._progress: dict[int, Callable[[], int]] = {}
        self._written: dict[int, int] = {}
        self._asked: dict[int, float] = {}
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
            self._asked[trial.number] = self._clock()

    def follow(self, number: int, progress: Callable[[], int]) -> None:
        """Write an attempt's progress with its beats; progress: gives a number that grows while the run gets on."""
        with self._lock:
            self._progress[number] = progress

    def remove(self, number: int) -> None:
        """Stop beating for an attempt; waits until a beat in progress has ended."""
        with self._lock:
            for kept in (self._running, self._progress, self._written, self._asked):
                kept.pop(number, None)
            self._taken.discard(number)

    def is_taken(self, number: int) -> bool:
        """Whether another worker has ended the attempt meanwhile; asked by its run before each step.

        A process that was stopped, or slept, goes on in its run and in its heartbeats at the same moment.
        """
        now = self._clock()
        before = self._asked.get(number, now)
        self._asked[number] = now
        if now - before > ASK_INTERVAL_S:
            self._try_to_beat()
        return number in self._taken

    def _beat_until(self, over: threading.Event) -> None:
        while not over.wait(self._interval_s):
            self._try_to_beat()
            self._tell_silences()

    def _tell_silences(self) -> None:
        with self._lock:
            progress = {number: progress() for number, progress in self._progress.items()}
        for number, done in progress.items() if self._tell_silence else ():
            seconds = self._silences.worth_telling(number, done)
            if seconds is not None and self._tell_silence is not None:
                self._tell_silence(number, seconds)

    def _try_to_beat(self) -> None:
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
                    self._write_progress(trial)
                except UpdateFinishedTrialError:
                    self._taken.add(number)
        still_running = {trial.number for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))}
        self._taken |= running.keys() - still_running

    def _write_progress(self, trial: Trial) -> None:
        progress = self._progress[trial.number]() if trial.number in self._progress else 0
        if progress > self._written.get(trial.number, 0):
            trial.set_user_attr(PROGRESS, progress)
            self._written[trial.number] = progress
