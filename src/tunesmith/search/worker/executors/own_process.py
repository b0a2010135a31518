"""Runs a trial as a command of its own, in a process group of its own: a crash cannot end the worker."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from typing import Any

from optuna.trial import TrialState

from tunesmith.errors import AttemptLost, AttemptTaken, MachineFault, RunFailed, UserError
from tunesmith.machine_faults import probe
from tunesmith.search import command
from tunesmith.search.worker.executor import Assignment, Outcome
from tunesmith.search.worker.executors.client import CALLBACK, END, LOST, TRIAL
from tunesmith.search.worker.failure import last_line
from tunesmith.short_traceback import MADE_UP

OUTPUT_FILE = "output.log"
POLL_S = 0.2
# How long a process may take to exit: after its last message, or after SIGTERM.
GRACE_S = 5.0


class OwnProcess:
    """Runs one trial as the command that a user would type for it."""

    def run(self, assignment: Assignment) -> Outcome:
        """Run a trial's command to its end, or end it if its reporter says so."""
        with _Running(assignment) as running:
            return running.wait()


class _Running:
    """A trial's process while it lives."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        folder = assignment.folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / OUTPUT_FILE
        self._ours, theirs = socket.socketpair()
        self._port = _reserve_port()
        with theirs, self._log.open("ab") as output:
            self._log_begin = output.tell()
            self._process = subprocess.Popen(
                command.trial_argv(assignment.config, folder, CALLBACK),
                env=self._environment(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _environment(self, file: int) -> dict[str, str]:
        reporter = self._assignment.reporter
        trial = {
            "file": file,
            "params": dict(reporter.params),
            "is_retry": reporter.is_retry,
            "num_objectives": self._assignment.num_objectives,
        }
        environment = {name: value for name, value in os.environ.items() if name != MADE_UP}  # its log has all frames
        return {**environment, TRIAL: json.dumps(trial), "MASTER_PORT": str(self._port.getsockname()[1])}

    def __enter__(self) -> _Running:
        return self

    def __exit__(self, *error: object) -> None:
        """Leave no process of the trial behind."""
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            self._let_it_end()
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._ours.close()  # last: a process that finds it closed takes the worker for dead and kills itself
        self._port.close()

    def _let_it_end(self) -> None:
        """Give the process time to save its work: a run that waits for an answer would hear no signal meanwhile."""
        until = time.monotonic() + GRACE_S
        with contextlib.suppress(OSError), selectors.DefaultSelector() as selector:
            selector.register(self._ours, selectors.EVENT_READ)
            self._send(END)  # to what it may have asked before
            while time.monotonic() < until and self._process.poll() is None:
                if selector.select(POLL_S):
                    if not self._receive():
                        break
                    self._send(END)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(until - time.monotonic(), 0))

    def _send(self, answer: Mapping[str, Any]) -> None:
        self._ours.sendall(json.dumps(answer).encode() + b"\n")

    def wait(self) -> Outcome:
        """Answer the run's reports until it has told how it ended, or has to end."""
        try:
            return self._answer_reports()
        except RunFailed as error:
            return self._failed(str(error))
        except AttemptLost as error:
            if isinstance(error, AttemptTaken):  # the process would save its last epoch into the folder
                self._signal(signal.SIGKILL)
            return Outcome(self._assignment, None, reason=str(error), error=error.__cause__)

    def _answer_reports(self) -> Outcome:
        for message in self._messages():
            if "state" in message:
                return self._end_of(message)
            answer = self._answer(message)
            with contextlib.suppress(OSError):  # the process is gone, which its next message says
                self._send(answer)
        cause = self._cause_of_death()
        fault = probe(self._log.parent)
        return self._failed(cause) if fault is None else self._lost(str(fault))

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        reporter = self._assignment.reporter
        if "progress" in message:
            reporter.poll()
            return {}
        if "metrics" in message:
            reporter.report_metrics(message["metrics"])
            return {}
        if "findings" in message:
            reporter.report_findings(message["findings"])
            return {}
        if "data" not in message:
            reporter.report(message["step"], message["value"], message["epochs"])
            return {"stop": reporter.should_stop()}
        try:
            reporter.report_data(message["data"])
        except UserError as error:
            return {"refusal": str(error)}
        return {"refusal": None}

    def _messages(self) -> Iterator[dict[str, Any]]:
        """Yield the messages of the process until it is gone; the reporter is asked in between and may end it."""
        buffer = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._ours, selectors.EVENT_READ)
            while True:
                self._assignment.reporter.check()
                has_ended = self._process.poll() is not None
                if selector.select(0 if has_ended else POLL_S):
                    received = self._receive()
                    *lines, buffer = (buffer + received).split(b"\n")
                    yield from map(json.loads, lines)
                    has_ended = not received
                if has_ended:
                    return

    def _receive(self) -> bytes:
        try:
            return self._ours.recv(65536)
        except ConnectionResetError:
            return b""

    def _end_of(self, message: dict[str, Any]) -> Outcome:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)
        if message["state"] == LOST:
            return self._lost(message["reason"])
        state = TrialState[message["state"]]
        if state != TrialState.FAIL:
            return Outcome(self._assignment, state, value=message["result"])
        kind = UserError if message["is_mistake"] else RunFailed
        return self._failed(message["reason"], kind)

    def _failed(self, reason: str, kind: type[Exception] = RunFailed) -> Outcome:
        return Outcome(self._assignment, TrialState.FAIL, reason=reason, error=kind(reason))

    def _lost(self, reason: str) -> Outcome:
        return Outcome(self._assignment, None, reason=reason, error=MachineFault(reason))

    def _cause_of_death(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)
        self._signal(signal.SIGKILL)
        code = self._process.wait()
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        last = last_line(self._log, self._log_begin)
        return f"its process ended {how}" + (f"; its last words: {last}" if last else "")

    def _signal(self, signum: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signum)


def _reserve_port() -> socket.socket:
    """Keep a port from all others until the ranks of a trial meet on it: bound, but not listened on."""
    port = socket.socket()
    port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    port.bind(("", 0))
    return port
