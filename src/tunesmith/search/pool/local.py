"""Workers that are processes of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tunesmith.machine_faults import probe
from tunesmith.search.console.lines import say
from tunesmith.search.pool.gpus import visible_to_worker
from tunesmith.search.pool.pool import EXIT_MACHINE_FAULT, LOG_FILE, WORKERS_FOLDER, WorkerExit
from tunesmith.search.pool.process_tree import kill_tree, status
from tunesmith.search.pool.started_worker import started_by_this_process
from tunesmith.search.study.owner import WORKER, Owner
from tunesmith.search.worker.failure import last_line

# How long a killed worker may take: one that waits in the kernel ends when what it waits for comes, or never.
KILL_TIMEOUT_S = 10.0


class LocalWorkers:
    """Starts workers in sessions of their own."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path, devices: int = 1) -> None:
        """command: of a worker; folder: the study's; devices: GPUs that each of them gets."""
        self._command = list(command)
        self._environment = dict(environment)
        self._folder = folder
        self._devices = devices

    def __call__(self, index: int) -> LocalWorker:
        folder = self._folder / WORKERS_FOLDER / str(index)
        folder.mkdir(parents=True, exist_ok=True)
        own = {WORKER: str(index), **started_by_this_process(), **visible_to_worker(index, self._devices)}
        with (folder / LOG_FILE).open("ab") as log:
            begin = log.tell()
            process = subprocess.Popen(
                self._command,
                env={**os.environ, **self._environment, **own},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the sweep, which tells its workers
            )
        return LocalWorker(index, process, folder / LOG_FILE, begin)


class LocalWorker:
    """A worker's process; its stdin is an unused pipe, whose closing tells the worker that the sweep has ended."""

    def __init__(self, index: int, process: subprocess.Popen[bytes], log: Path, log_begin: int) -> None:
        self.index = index
        self.name = f"worker {index}"
        self._process = process
        self._log = log
        self._log_begin = log_begin
        self._is_interrupted = False

    @property
    def kill_command(self) -> str:
        return f"kill -9 {self._process.pid}"

    def condition(self) -> str:
        return f"pid {self._process.pid}, {status(self._process.pid)}"

    def ended(self) -> WorkerExit | None:
        code = self._process.poll()
        if code is None:
            return None
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        said = last_line(self._log, self._log_begin)
        if code == EXIT_MACHINE_FAULT:
            return WorkerExit(how, said or str(probe(self._log.parent) or how), True, is_machine_fault=True)
        return WorkerExit(how, said or f"{self._log} is empty", code > 0, code == 0)

    def owns(self, owner: Owner | None) -> bool:
        return owner is not None and owner.is_here() and owner.pid == self._process.pid

    def is_queued(self) -> bool:
        return False

    def interrupt(self) -> None:
        """Send one SIGINT: a second one would end it in the middle of a batch."""
        if not self._is_interrupted:
            self._is_interrupted = True
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGINT)

    def cancel(self) -> None:
        if self._process.poll() is None:
            kill_tree(self._process.pid)

    def kill(self) -> None:
        self.cancel()
        try:
            self._process.wait(KILL_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            say(f"{self.name} is not gone {KILL_TIMEOUT_S:g} s after it was killed: {self.condition()}")
        assert self._process.stdin is not None
        self._process.stdin.close()
