"""The trial's side of the socket: reports, the worker's answers, and how a job ended."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any

import pytest
from optuna import TrialPruned

from tunesmith.errors import RunFailed, UserError
from tunesmith.search.worker.executors.client import RemoteReporter, WorkerLink, exit_message


class Worker:
    """Answers each message of a trial; it stops the trial from a step on."""

    def __init__(self, stop_at: int) -> None:
        self.heard: list[dict[str, Any]] = []
        self._socket, theirs = socket.socketpair()
        self.trials_end = theirs.detach()
        self._thread = threading.Thread(target=self._answer, args=(stop_at,), daemon=True)
        self._thread.start()

    def _answer(self, stop_at: int) -> None:
        with self._socket, self._socket.makefile("rb") as lines:
            for line in lines:
                message = json.loads(line)
                self.heard.append(message)
                if "value" in message:
                    self._socket.sendall(json.dumps({"stop": message["step"] >= stop_at}).encode() + b"\n")
                else:
                    return


def test_reports_are_heard_and_the_answer_is_the_pruners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getpgrp", lambda: -1)  # a trial that leads a process group ends it when its worker is gone
    worker = Worker(stop_at=2)
    link = WorkerLink(worker.trials_end)
    reporter = RemoteReporter(link, {"x": 0.5}, is_retry=True)
    answers = []
    for step in (1, 2):
        reporter.report(step, 0.5 / step, epochs=step)
        answers.append(reporter.should_stop())
    link.tell(exit_message(TrialPruned()))
    worker._thread.join(10)
    link._socket.close()
    assert answers == [False, True]
    assert worker.heard == [
        {"step": 1, "value": 0.5, "epochs": 1},
        {"step": 2, "value": 0.25, "epochs": 2},
        {"state": "PRUNED", "result": None},
    ]
    assert (reporter.params, reporter.is_retry) == ({"x": 0.5}, True)
    reporter.poll()  # the worker interrupts it and keeps its time


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        pytest.param(2, {"state": "COMPLETE", "result": 2.0}, id="a number"),
        pytest.param(TrialPruned("at step 3"), {"state": "PRUNED", "result": None}, id="pruned"),
        pytest.param(
            UserError("no such metric"), {"state": "FAIL", "reason": "no such metric", "is_mistake": True}, id="mistake"
        ),
        pytest.param(
            RunFailed("val/loss was nan"),
            {"state": "FAIL", "reason": "val/loss was nan", "is_mistake": False},
            id="a failed run",
        ),
        pytest.param(KeyError("x"), {"state": "FAIL", "reason": "KeyError: 'x'", "is_mistake": False}, id="a bug"),
        pytest.param(
            None,
            {"state": "FAIL", "reason": "the job must return a number; it returned None", "is_mistake": False},
            id="nothing",
        ),
    ],
)
def test_how_a_job_ended_is_one_message(returned: Any, message: dict[str, Any]) -> None:
    assert exit_message(returned) == message


def test_several_values_are_a_list_to_the_worker() -> None:
    assert exit_message((1, 2), num_objectives=2) == {"state": "COMPLETE", "result": [1.0, 2.0]}
