"""Runs a trial as a command of its own, in a process group of its own: no death in it reaches the worker."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from optuna.trial import TrialState

from tunesmith.errors import RunFailed, UserError
from tunesmith.search import command
from tunesmith.search.worker.executors.client import CALLBACK, TRIAL
from tunesmith.search.worker.failure import last_line
from tunesmith.search.worker.worker import Assignment, Outcome

OUTPUT_FILE = "output.log"
POLL_SECONDS = 0.2
# What a process gets to end by itself: after its outcome, and after it was asked to.
GRACE_SECONDS = 5.0


class OwnProcess:
    """Runs assignments one after the other, each as the command that a user would type for it."""

    def __call__(self, assignments: Sequence[Assignment]) -> Iterator[Outcome]:
        for assignment in assignments:
            with _Running(assignment) as running:
                yield running.outcome()


class _Running:
    """A trial's process while it lives."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        hydra = assignment.config.hydra
        self._folder = Path(hydra.sweep.dir, hydra.sweep.subdir).absolute()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._ours, theirs = socket.socketpair()
        self._port = _reserved_port()
        with theirs, (self._folder / OUTPUT_FILE).open("ab") as output:
            self._begin = output.tell()
            self._process = subprocess.Popen(
                command.trial_argv(assignment.config, self._folder, CALLBACK),
                env=self._environment(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _environment(self, file: int) -> dict[str, str]:
        reporter = self._assignment.reporter
        trial = {"file": file, "params": dict(reporter.params), "is_retry": reporter.is_retry}
        return {**os.environ, TRIAL: json.dumps(trial), "MASTER_PORT": str(self._port.getsockname()[1])}

    def __enter__(self) -> _Running:
        return self

    def __exit__(self, *error: object) -> None:
        """Leave no process of the trial behind."""
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_SECONDS)
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._ours.close()  # last: whoever finds it closed has lost its worker, and kills itself
        self._port.close()

    def outcome(self) -> Outcome:
        """Answer the run's reports until it has told how it ended, or has to end."""
        try:
            return self._followed()
        except RunFailed as error:
            return self._failed(str(error))

    def _followed(self) -> Outcome:
        for message in self._messages():
            if "value" not in message:
                return self._told(message)
            stop = self._assignment.reporter.report(message["step"], message["value"], message["epochs"])
            with contextlib.suppress(OSError):  # it is gone; the next message says so
                self._ours.sendall(json.dumps({"stop": stop}).encode() + b"\n")
        return self._failed(self._death())

    def _messages(self) -> Iterator[dict[str, Any]]:
        """Yield what the process says until it is gone; in between the reporter may end it."""
        buffer = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._ours, selectors.EVENT_READ)
            while True:
                self._assignment.reporter.poll()
                has_ended = self._process.poll() is not None
                if selector.select(0 if has_ended else POLL_SECONDS):
                    received = self._received()
                    *lines, buffer = (buffer + received).split(b"\n")
                    yield from map(json.loads, lines)
                    has_ended = not received
                if has_ended:
                    return

    def _received(self) -> bytes:
        try:
            return self._ours.recv(65536)
        except ConnectionResetError:
            return b""

    def _told(self, message: dict[str, Any]) -> Outcome:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_SECONDS)
        state = TrialState[message["state"]]
        if state != TrialState.FAIL:
            return Outcome(self._assignment, state, value=message["result"])
        kind = UserError if message["is_mistake"] else RunFailed
        return self._failed(message["reason"], kind)

    def _failed(self, reason: str, kind: type[Exception] = RunFailed) -> Outcome:
        return Outcome(self._assignment, TrialState.FAIL, reason=reason, error=kind(reason))

    def _death(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_SECONDS)
        self._signal(signal.SIGKILL)
        code = self._process.wait()
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        last = last_line(self._folder / OUTPUT_FILE, self._begin)
        return f"its process ended {how}" + (f"; its last words: {last}" if last else "")

    def _signal(self, signum: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signum)


def _reserved_port() -> socket.socket:
    """Keep a port from all others until the ranks of a trial meet on it: bound, but not listened on."""
    port = socket.socket()
    port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    port.bind(("", 0))
    return port
