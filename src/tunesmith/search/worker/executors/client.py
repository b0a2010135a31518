"""The trial's side of the socket between a worker and a trial that runs in its own process."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from optuna import TrialPruned

from tunesmith.errors import UserError
from tunesmith.machine_faults import find_machine_fault
from tunesmith.reporting import NoReporter, hand_over
from tunesmith.search.storage.password import hide_password
from tunesmith.search.worker.failure import reason_of, to_value

# Set in the environment of a trial's process: the open file to its worker, its parameters, whether it is a retry.
TRIAL = "TUNESMITH_TRIAL"
# Between two signs of progress.
POLL_INTERVAL_S = 1.0
# State of an attempt that the machine has ended, for which Optuna has no word.
LOST = "LOST"
# The answer to a run that has to end, whatever it asked: it leaves as at SIGTERM.
END = {"end": True}
CALLBACK = "+hydra.callbacks.tunesmith_trial={_target_:tunesmith.search.worker.executors.client.OwnTrial}"


class OwnTrial(Callback):
    """Hands a reporter to the job, and tells the worker how the job ended; of several ranks, rank zero alone does."""

    def __init__(self) -> None:
        self._given = json.loads(os.environ[TRIAL])
        self._stack = ExitStack()
        self._worker: WorkerLink | None = None

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        hide_password(config)  # Hydra writes it down next

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        params, is_retry = self._given["params"], self._given["is_retry"]
        if int(os.environ.get("LOCAL_RANK", 0)) > 0:
            self._stack.enter_context(hand_over(NoReporter(params, is_retry)))
            return
        self._worker = WorkerLink(self._given["file"])
        self._stack.enter_context(hand_over(RemoteReporter(self._worker, params, is_retry)))

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        self._stack.close()

    def on_run_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Tell the worker how the job ended, once the user's callbacks have seen it: the process may be killed next."""
        job_return: JobReturn = kwargs["job_return"]
        if self._worker is not None:
            self._worker.tell(exit_message(job_return._return_value, self._given["num_objectives"]))
        if isinstance(job_return._return_value, TrialPruned):
            job_return.status, job_return.return_value = JobStatus.COMPLETED, None  # no error to be printed


class WorkerLink:
    """The line to the worker: JSON objects, one per line, both ways."""

    def __init__(self, file: int) -> None:
        os.set_inheritable(file, False)
        self._socket = socket.socket(fileno=file)
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Send a message and wait for its answer; leave the process if the run has to end."""
        self.tell(message)
        answer = self._answers.get()
        if answer == END:
            raise SystemExit(128 + signal.SIGTERM)
        return answer

    def tell(self, message: Mapping[str, Any]) -> None:
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def _listen(self) -> None:
        """Take answers until the worker is gone; then end the trial's processes, as no result of theirs is wanted."""
        with self._socket.makefile("rb") as lines:
            for line in lines:
                self._answers.put(json.loads(line))
        if os.getpgrp() == os.getpid():  # a group of its own, as the worker has made it
            os.killpg(os.getpgrp(), signal.SIGKILL)


class RemoteReporter:
    """The reporter of a trial in a process of its own; the worker interrupts the trial and keeps its time."""

    def __init__(self, worker: WorkerLink, params: Mapping[str, Any], is_retry: bool) -> None:
        self.params = params
        self.is_retry = is_retry
        self._worker = worker
        self._stop = False
        self._polled = time.monotonic()

    def report_data(self, digest: str) -> None:
        refusal = self._worker.ask({"data": digest})["refusal"]
        if refusal is not None:
            raise UserError(refusal)

    def report(self, step: int, value: float, epochs: int = 1) -> None:
        """Tell the worker, whose answer holds the pruner's decision as well."""
        self._stop = bool(self._worker.ask({"step": step, "value": value, "epochs": epochs})["stop"])

    def report_metrics(self, metrics: Mapping[str, float]) -> None:
        self._worker.ask({"metrics": dict(metrics)})

    def report_findings(self, names: Sequence[str]) -> None:
        if names:
            self._worker.ask({"findings": list(names)})

    def should_stop(self) -> bool:
        return self._stop

    def poll(self) -> None:
        """Tell the worker now and then that the run gets on; its answer comes once it has found nothing that ends it.

        So a run does not go on beside a worker that was stopped, whose trial another one may run by now.
        """
        if time.monotonic() - self._polled > POLL_INTERVAL_S:
            self._worker.ask({"progress": True})
            self._polled = time.monotonic()


def exit_message(returned: Any, num_objectives: int = 1) -> dict[str, Any]:
    """Return the message that tells the worker how a job ended; returned: its return value, or what it raised."""
    try:
        if isinstance(returned, BaseException):
            raise returned
        return {"state": "COMPLETE", "result": to_value(returned, num_objectives)}
    except TrialPruned:
        return {"state": "PRUNED", "result": None}
    except Exception as error:
        if (fault := find_machine_fault(error)) is not None:
            return {"state": LOST, "reason": str(fault)}
        return {"state": "FAIL", "reason": reason_of(error), "is_mistake": isinstance(error, UserError)}
