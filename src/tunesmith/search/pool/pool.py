"""Keeps the workers of a sweep going, wherever they run: starts, watches and replaces them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from optuna.trial import FrozenTrial, TrialState

from tunesmith.errors import MachineFault, UserError
from tunesmith.search.console.lines import say
from tunesmith.search.console.progress import ProgressPrinter
from tunesmith.search.pool.watch import HangWatch, Watched
from tunesmith.search.study.counts import is_over
from tunesmith.search.study.retries import was_requeued
from tunesmith.search.study.trial import Attempt, state_of
from tunesmith.search.worker.interruption import Interruption

WORKERS_FOLDER = "workers"
LOG_FILE = "output.log"
POLL_INTERVAL_S = 0.2
# Before a further try to start a worker: a cluster may be busy.
RESTART_INTERVAL_S = 10.0
# How many workers may end one after the other without progress in any trial.
MAX_IDLE_EXITS = 5
# How long workers may take to exit once all trials have ended.
GRACE_S = 30.0
# How long they may take to give their trials back after a machine's fault.
FAULT_GRACE_S = 10.0
# Exit code of a worker that a full disk or the like has ended: that of an input/output error in sysexits.h.
EXIT_MACHINE_FAULT = 74


@dataclass(frozen=True)
class WorkerExit:
    """How a worker ended.

    last_words: the last line of its output; is_failure: it ended by itself, and its last words say why.
    is_in_order: its work or its time was over; is_machine_fault: a full disk or the like, which others would meet.
    """

    how: str
    last_words: str
    is_failure: bool
    is_in_order: bool = False
    is_machine_fault: bool = False


class WorkerHandle(Watched, Protocol):
    """A worker that a sweep has started: a process of this machine, or a job of a cluster."""

    @property
    def index(self) -> int: ...

    def ended(self) -> WorkerExit | None:
        """Return how it ended, None while it lives or may live."""

    def interrupt(self) -> None:
        """Ask it to end, as Ctrl-C does; called again and again until it has ended."""

    def kill(self) -> None:
        """End it, and leave nothing of it behind."""


class Pool:
    """Keeps n workers busy until n_trials of a study count.

    Only the study says when n_trials count; the exit of a worker only decides whether another worker starts.
    """

    def __init__(
        self,
        start: Callable[[int], WorkerHandle],
        n_trials: int,
        interruption: Interruption,
        watch: HangWatch,
        why_stopped: Callable[[Sequence[FrozenTrial]], str | None] = lambda trials: None,
    ) -> None:
        """start: starts the worker of an index, raises UserError if that fails; why_stopped: see stopping.py."""
        self._start_worker = start
        self._n_trials = n_trials
        self._interruption = interruption
        self._watch = watch
        self._why_stopped = why_stopped
        self._workers: dict[int, WorkerHandle] = {}
        self._to_restart: dict[int, float] = {}  # workers that could not be started, and when to try again
        self._idle_exits = 0
        self._reached = 0  # by the trials of all workers, when one of them was last replaced

    def run(self, n_workers: int, is_late: Callable[[], bool], progress: ProgressPrinter) -> None:
        """Return when n_trials count, the search is stopped, the time is over, or the sweep was asked to end.

        No worker is left then.

        Raises:
            UserError: what the ProgressPrinter finds, or worker after worker ends without progress in any trial.
        """
        try:
            for index in range(n_workers):
                self._workers[index] = self._start_worker(index)
            while not (self._is_over(self._look(progress)) or is_late() or self._interruption.signal):
                for worker in list(self._workers.values()):
                    end = worker.ended()
                    if end is not None and not self._is_over(trials := progress.update()):
                        self._replace(worker, end, trials)
                self._start_due()
                time.sleep(POLL_INTERVAL_S)
            self._wait(progress)
        except MachineFault:
            self._end_in_order()
            raise
        finally:
            with self._interruption.hold_off():
                self._kill()
        progress.update()

    def _is_over(self, trials: Sequence[FrozenTrial]) -> bool:
        return is_over(trials, self._n_trials) or self._why_stopped(trials) is not None

    def _has_ended(self, trials: Sequence[FrozenTrial]) -> bool:
        """Whether no trial is left to wait for; trials that run when the search is stopped are no surplus."""
        is_running = any(trial.state == TrialState.RUNNING for trial in trials)
        return is_over(trials, self._n_trials) or not (is_running or self._why_stopped(trials) is None)

    def _look(self, progress: ProgressPrinter) -> list[FrozenTrial]:
        """Print what is new, and look after workers that hang; return all trials."""
        trials = progress.update()
        self._watch.look(trials, self._workers.values())
        return trials

    def _start_due(self) -> None:
        """Start workers again; raises UserError if no worker lives and none could be started for a while."""
        for index in [index for index, due in self._to_restart.items() if time.monotonic() > due]:
            try:
                self._workers[index] = self._start_worker(index)
                del self._to_restart[index]
            except UserError as error:
                self._to_restart[index] = time.monotonic() + RESTART_INTERVAL_S
                self._idle_exits += not self._workers
                say(f"worker {index}  cannot be started; next try in {RESTART_INTERVAL_S:g} s: {error}")
                if self._idle_exits >= MAX_IDLE_EXITS:
                    raise

    def _end_in_order(self) -> None:
        """Let the workers give back the trials that they run, so that no trial is taken for one that crashed."""
        deadline = time.monotonic() + FAULT_GRACE_S
        while time.monotonic() < deadline and any(worker.ended() is None for worker in self._workers.values()):
            for worker in self._workers.values():
                worker.interrupt()
            time.sleep(POLL_INTERVAL_S)

    def _replace(self, worker: WorkerHandle, end: WorkerExit, trials: list[FrozenTrial]) -> None:
        """Start a worker anew; raises UserError if worker after worker ended without progress, or another one would."""
        if end.is_machine_fault:
            raise MachineFault(end.last_words.removeprefix("error: "))
        taken = [trial for trial in trials if worker.owns(Attempt(trial).owner)]
        reached, before = _progress(trials), self._reached
        self._reached = reached
        if taken or not end.is_in_order:  # a job whose time was over may have waited for the trials of others
            has_worked = reached > before or any(_made_progress(trials, trial) for trial in taken)
            self._idle_exits = 0 if has_worked else self._idle_exits + 1
        if self._idle_exits >= MAX_IDLE_EXITS:
            ended = f"{worker.name} {end.how} before it finished a trial, like the workers before it"
            raise UserError(f"{ended}: {end.last_words}")
        say(f"{worker.name}  {end.how}{f' ({end.last_words})' if end.is_failure else ''}; another one starts")
        del self._workers[worker.index]
        self._to_restart[worker.index] = 0.0
        self._start_due()

    def _wait(self, progress: ProgressPrinter) -> None:
        """Wait for the running trials as long as they take; workers without one end by themselves."""
        since = time.monotonic()
        for worker in self._workers.values():
            if worker.is_queued():
                worker.cancel()  # so that it does not begin now
        while any(worker.ended() is None and not worker.is_queued() for worker in self._workers.values()):
            if self._interruption.signal is not None:
                for worker in self._workers.values():
                    worker.interrupt()
            if self._has_ended(self._look(progress)) and time.monotonic() - since > GRACE_S:
                return
            time.sleep(POLL_INTERVAL_S)

    def _kill(self) -> None:
        for worker in self._workers.values():
            worker.cancel()
        for worker in self._workers.values():
            worker.kill()


def _made_progress(trials: list[FrozenTrial], trial: FrozenTrial) -> bool:
    """Whether an attempt has brought its trial to an end, or at least some epochs on."""
    before = Attempt(trial).retry_of
    reported = 0 if before is None else len(trials[before].intermediate_values)
    return not was_requeued(trials, trial.number) or len(trial.intermediate_values) > reported


def _progress(trials: list[FrozenTrial]) -> int:
    """Return how many trials have ended and how many steps were reported, those that a retry began with left out."""
    steps = sum(len(trial.intermediate_values) for trial in trials)
    retried = [attempt.retry_of for attempt in map(Attempt, trials) if attempt.retry_of is not None]
    steps -= sum(len(trials[number].intermediate_values) for number in retried)
    return steps + sum(state_of(trial).is_counted for trial in trials)
