"""Workers that are jobs of a cluster: submitit hands them over, the cluster's queue says which of them live."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith.errors import UserError
from tunesmith.search.console.lines import say
from tunesmith.search.pool.gpus import visible_to_worker
from tunesmith.search.pool.launcher import KEY, JobSettings
from tunesmith.search.pool.pool import LOG_FILE, POLL_INTERVAL_S, WORKERS_FOLDER, WorkerExit
from tunesmith.search.pool.queues import LIVING, QUEUED, LocalQueue, Queue, SlurmQueue
from tunesmith.search.pool.started_worker import started_by_this_process
from tunesmith.search.study.owner import JOB, WORKER, Owner
from tunesmith.search.worker.failure import last_line

# How long a cancelled job may take to leave the queue.
CANCEL_TIMEOUT_S = 60.0
# Between two signals to a job that was asked to end: the first may come before the worker handles signals.
INTERRUPT_INTERVAL_S = 5.0
# State of a job that ended by itself with an error: its worker's last words say why.
_FAILED = "FAILED"
# States of jobs whose work or time was over.
_IN_ORDER = {"COMPLETED", "TIMEOUT", "PREEMPTED"}
# Keys that submitit has on every cluster; a cluster's own keys get the cluster's name in front.
_COMMON = {
    "name",
    "timeout_min",
    "mem_gb",
    "nodes",
    "cpus_per_task",
    "gpus_per_node",
    "tasks_per_node",
    "stderr_to_stdout",
}
# The sweep replaces jobs; Slurm must not requeue them, because the sweep would not know of it.
_SLURM = {"no-requeue": True}


@dataclass(frozen=True)
class WorkerJob:
    """What a job runs: it becomes the worker, so that the cluster's signals reach no other process.

    submitit pickles it: it holds no password, which comes with the environment.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: str
    log: str

    def __call__(self) -> None:
        import submitit

        job = submitit.JobEnvironment().job_id
        output = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        sys.stdout.flush()
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(self.folder)
        environment = {**os.environ, **self.environment, **started_by_this_process(), JOB: job}
        os.execve(self.command[0], list(self.command), environment)


class Jobs:
    """Starts workers as jobs."""

    def __init__(
        self,
        settings: JobSettings,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        devices: int = 1,
    ) -> None:
        """command: of a worker; folder: the study's; devices: GPUs of a worker if this machine is the cluster."""
        self._settings = settings
        self._command = list(command)
        self._environment = dict(environment)
        self._folder = folder.absolute()
        self._devices = devices
        self._queue: Queue = SlurmQueue() if settings.cluster == "slurm" else LocalQueue()

    def __call__(self, index: int) -> Job:
        """Hand over the job of a worker; raises UserError if the cluster refuses it."""
        folder = self._folder / WORKERS_FOLDER / str(index)
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / LOG_FILE
        log.touch()
        own = {WORKER: str(index)}
        if self._settings.cluster == "local":
            own |= visible_to_worker(index, self._devices)
        work = WorkerJob(self._command, {**self._environment, **own}, os.getcwd(), str(log))
        begin = log.stat().st_size
        job = Job(index, self._submit(work), self._queue, log, begin)
        say(f"{job.name}  handed over; its output will be in {os.path.relpath(log)}")
        return job

    def _submit(self, work: WorkerJob) -> Any:
        import submitit

        cluster, parameters = self._settings.cluster, dict(self._settings.parameters)
        if cluster == "slurm":
            parameters["additional_parameters"] = {**_SLURM, **parameters.get("additional_parameters", {})}
        named = {key if key in _COMMON else f"{cluster}_{key}": value for key, value in parameters.items()}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # submitit's advice on keys that the user has set
                executor = submitit.AutoExecutor(self._settings.folder, cluster=cluster)
                executor.update_parameters(**named)
                with _ctrl_c_ignored():
                    return executor.submit(work)
        except (AssertionError, NameError, OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
            said = " ".join(str(error).split())
            raise UserError(f"{KEY} must describe a job that the cluster takes: {said}") from None


@contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    """Start submitit's process so that it ignores Ctrl-C: on this machine it is in the sweep's process group."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Job:
    """A worker's job."""

    def __init__(self, index: int, job: Any, queue: Queue, log: Path, log_begin: int) -> None:
        """job: submitit's."""
        self.index = index
        self.name = f"worker {index} (job {job.job_id})"
        self._job = job
        self._queue = queue
        self._log = log
        self._log_begin = log_begin
        self._interrupted = float("-inf")
        queue.add(job)

    @property
    def kill_command(self) -> str:
        return self._queue.kill_command(self._job)

    def condition(self) -> str:
        return self._queue.state(self._job) or "unknown to the queue"

    def ended(self) -> WorkerExit | None:
        state = self._queue.state(self._job)
        if state in QUEUED | LIVING:
            return None
        words = last_line(self._log, self._log_begin) or f"see {self._job.paths.stderr}"
        return WorkerExit(f"ended ({state})" if state else "ended", words, state == _FAILED, state in _IN_ORDER)

    def owns(self, owner: Owner | None) -> bool:
        return owner is not None and (owner.worker, owner.job) == (self.index, self._job.job_id)

    def is_queued(self) -> bool:
        return self._queue.state(self._job) in QUEUED

    def interrupt(self) -> None:
        if self.ended() is not None or time.monotonic() - self._interrupted < INTERRUPT_INTERVAL_S:
            return
        self._interrupted = time.monotonic()
        if self.is_queued():
            self._queue.cancel(self._job)
        else:
            self._queue.interrupt(self._job)

    def cancel(self) -> None:
        if self.ended() is None:
            self._queue.cancel(self._job)

    def kill(self) -> None:
        """Wait until the processes of the cancelled job are gone."""
        deadline = time.monotonic() + CANCEL_TIMEOUT_S
        while self.ended() is None and time.monotonic() < deadline:
            time.sleep(POLL_INTERVAL_S)
