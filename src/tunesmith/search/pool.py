"""Worker processes of this machine: started, watched, replaced; one console for all of them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from optuna.trial import FrozenTrial

from tunesmith.errors import UserError
from tunesmith.search.attempts import was_given_back
from tunesmith.search.console import say
from tunesmith.search.gpus import visible_to_worker
from tunesmith.search.interruption import Interruption
from tunesmith.search.news import News
from tunesmith.search.owners import WORKER
from tunesmith.search.reasons import last_line
from tunesmith.search.study import OWNER, is_over

WORKERS_FOLDER = "workers"
LOG_FILE = "output.log"
POLL_SECONDS = 0.2
# Workers that end one after the other without a trial but those that they gave back.
MAX_IDLE_ENDS = 5
# What workers get to end by themselves once nothing is left to do.
GRACE_SECONDS = 30.0


@dataclass(frozen=True)
class _Process:
    """A worker's process; its stdin is a pipe that nobody writes to: it ends when the sweep does."""

    index: int
    process: subprocess.Popen[bytes]
    log: Path
    log_begin: int


class Pool:
    """Keeps n workers busy until n_trials of a study count."""

    def __init__(
        self,
        command: Callable[[], list[str]],
        folder: Path,
        n_trials: int,
        interruption: Interruption,
        devices: int = 1,
    ) -> None:
        """command: of a worker; folder: the study's; devices: GPUs that each of them gets."""
        self._command = command
        self._folder = folder
        self._n_trials = n_trials
        self._interruption = interruption
        self._devices = devices
        self._workers: dict[int, _Process] = {}
        self._idle_ends = 0

    def run(self, n_workers: int, is_late: Callable[[], bool], news: News) -> None:
        """Return when n_trials count, the time is over, or the sweep was asked to end; no worker is left then.

        Raises:
            UserError: what News finds, or the workers end before they end a trial.
        """
        try:
            for index in range(n_workers):
                self._start(index)
            while not (is_over(trials := news.show(), self._n_trials) or is_late() or self._interruption.signal):
                for worker in self._ended():
                    self._replace(worker, trials)
                time.sleep(POLL_SECONDS)
            self._wait(news)
        finally:
            self._kill()
        news.show()

    def _start(self, index: int) -> None:
        folder = self._folder / WORKERS_FOLDER / str(index)
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, WORKER: str(index), **visible_to_worker(index, self._devices)}
        with (folder / LOG_FILE).open("ab") as log:
            begin = log.tell()
            process = subprocess.Popen(
                self._command(),
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the sweep, which tells its workers
            )
        self._workers[index] = _Process(index, process, folder / LOG_FILE, begin)

    def _ended(self) -> list[_Process]:
        return [worker for worker in self._workers.values() if worker.process.poll() is not None]

    def _replace(self, worker: _Process, trials: list[FrozenTrial]) -> None:
        """Start a worker anew; raises UserError where that helps nobody."""
        taken = [trial for trial in trials if trial.user_attrs.get(OWNER, {}).get("pid") == worker.process.pid]
        has_worked = not all(was_given_back(trials, trial.number) for trial in taken)
        self._idle_ends = 0 if has_worked else self._idle_ends + 1
        how = _how(worker.process.returncode)
        words = last_line(worker.log, worker.log_begin) or f"{worker.log} is empty"
        if self._idle_ends >= MAX_IDLE_ENDS:
            raise UserError(f"worker {worker.index} {how} before it ended a trial, as did those before it: {words}")
        why = f" ({words})" if worker.process.returncode > 0 else ""
        say(f"worker {worker.index}  {how}{why}; another one starts")
        self._start(worker.index)

    def _wait(self, news: News) -> None:
        """Wait for the workers: for a trial that runs as long as it takes, otherwise they end by themselves."""
        if self._interruption.signal is not None:
            self._signal(signal.SIGINT)
        since = time.monotonic()
        while any(worker.process.poll() is None for worker in self._workers.values()):
            if is_over(news.show(), self._n_trials) and time.monotonic() - since > GRACE_SECONDS:
                return
            time.sleep(POLL_SECONDS)

    def _signal(self, signum: int) -> None:
        for worker in self._workers.values():
            if worker.process.poll() is None:
                worker.process.send_signal(signum)

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)
        for worker in self._workers.values():
            worker.process.wait()
            assert worker.process.stdin is not None
            worker.process.stdin.close()


def _how(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
