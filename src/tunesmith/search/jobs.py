"""Workers that are jobs of a cluster: submitit hands them over, the cluster's queue says which of them live."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psutil

from tunesmith.errors import UserError
from tunesmith.search.console import say
from tunesmith.search.gpus import visible_to_worker
from tunesmith.search.launcher import KEY, JobSettings
from tunesmith.search.owners import JOB, WORKER
from tunesmith.search.pool import LOG_FILE, POLL_SECONDS, WORKERS_FOLDER, End
from tunesmith.search.reasons import last_line

# Between two questions to the queue, and what a cancelled job gets to leave it.
QUEUE_SECONDS = 2.0
CANCEL_SECONDS = 60.0
# For how long a job that is ending is waited for: mostly a second; on a node that hangs, without end.
COMPLETING_SECONDS = 15.0
# https://slurm.schedmd.com/squeue.html, job state codes: all others are those of a job that is over.
_QUEUED = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"}
_LIVING = {"RUNNING", "SUSPENDED", "STOPPED", "RESIZING", "SIGNALING", "STAGE_OUT"}
# State of a job that ended by itself: what its worker said last tells why.
_FAILED = "FAILED"
# What submitit calls by the same name on every cluster; the cluster's own keys get its name in front.
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
# A job that the cluster would start again by itself is started by the sweep, which then knows of it.
_SLURM = {"no-requeue": True}


@dataclass(frozen=True)
class WorkerJob:
    """What a job runs: it becomes the worker, so that the cluster's signals reach nobody else.

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
        os.execve(self.command[0], list(self.command), {**os.environ, **self.environment, JOB: job})


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
        """command: of a worker; folder: the study's; devices: GPUs of a worker where this machine is the cluster."""
        self._settings = settings
        self._command = list(command)
        self._environment = dict(environment)
        self._folder = folder.absolute()
        self._devices = devices
        self._queue: Queue = SlurmQueue() if settings.cluster == "slurm" else LocalQueue()

    def __call__(self, index: int) -> Job:
        """Raises UserError where the cluster refuses the job."""
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
                return executor.submit(work)
        except (AssertionError, NameError, OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
            said = " ".join(str(error).split())
            raise UserError(f"{KEY} must describe a job that the cluster takes: {said}") from None


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
        queue.add(job)

    def ended(self) -> End | None:
        state = self._queue.state(self._job)
        if state in _QUEUED | _LIVING:
            return None
        words = last_line(self._log, self._log_begin) or f"see {self._job.paths.stderr}"
        return End(f"ended ({state})" if state else "ended", words, is_failure=state == _FAILED)

    def owns(self, owner: Mapping[str, Any]) -> bool:
        return owner.get("worker") == self.index and owner.get("job") == self._job.job_id

    def is_queued(self) -> bool:
        return self._queue.state(self._job) in _QUEUED

    def interrupt(self) -> None:
        self._queue.interrupt(self._job)

    def cancel(self) -> None:
        if self.ended() is None:
            self._queue.cancel(self._job)

    def kill(self) -> None:
        """Wait until the processes of the cancelled job are gone."""
        deadline = time.monotonic() + CANCEL_SECONDS
        while self.ended() is None and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)


class Queue(Protocol):
    """What a cluster knows of jobs."""

    def add(self, job: Any) -> None:
        """Take notice of a job that was handed over just now."""

    def state(self, job: Any) -> str:
        """Return the state of a job by Slurm's name, empty where it is no longer known."""

    def interrupt(self, job: Any) -> None:
        """Send SIGINT to its worker."""

    def cancel(self, job: Any) -> None:
        """End it."""


class SlurmQueue:
    """Asks squeue, which every Slurm has; sacct needs accounting, and submitit asks it once in ten minutes."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}
        self._completing: dict[str, float] = {}  # since when
        self._asked = float("-inf")

    def add(self, job: Any) -> None:
        self._states[job.job_id] = "PENDING"
        self._asked = time.monotonic()

    def state(self, job: Any) -> str:
        if time.monotonic() - self._asked > QUEUE_SECONDS:
            self._asked = time.monotonic()
            self._ask()
        state = self._states.get(job.job_id, "")
        if state != "COMPLETING":
            return state
        since = self._completing.setdefault(job.job_id, time.monotonic())
        return "RUNNING" if time.monotonic() - since < COMPLETING_SECONDS else ""

    def interrupt(self, job: Any) -> None:
        _slurm("scancel", "--signal=INT", job.job_id)

    def cancel(self, job: Any) -> None:
        _slurm("scancel", job.job_id)

    def _ask(self) -> None:
        """A queue that does not answer leaves what was known: its jobs may well be running."""
        answer = _slurm("squeue", "--noheader", "--states=all", "--format=%i %T", f"--user={os.getuid()}")
        if answer is not None:
            self._states = dict(line.split() for line in answer.splitlines() if line.strip())


class LocalQueue:
    """Jobs that are processes of this machine, started by submitit."""

    def add(self, job: Any) -> None:
        return

    def state(self, job: Any) -> str:
        return "RUNNING" if job.state == "RUNNING" else ""  # how it ended is not passed on

    def interrupt(self, job: Any) -> None:
        if self.state(job) == "RUNNING":
            os.kill(int(job.job_id), signal.SIGTERM)  # which submitit passes on; of SIGINT it makes an end within 1 s

    def cancel(self, job: Any) -> None:
        """End it here: submitit's own cancel() prints a traceback into the sweep's terminal."""
        with suppress(psutil.NoSuchProcess):
            controller = psutil.Process(int(job.job_id))
            controller.suspend()  # it starts nothing more
            for process in (*controller.children(recursive=True), controller):
                process.kill()


def _slurm(*command: str) -> str | None:
    """Return what one of Slurm's commands prints, None where it fails."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout if answer.returncode == 0 else None
