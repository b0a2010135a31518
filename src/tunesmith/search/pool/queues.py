"""What a cluster knows of the jobs that it was handed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import Any, Protocol

from tunesmith.search.pool.process_tree import kill_tree

# Between two questions to the queue.
QUEUE_INTERVAL_S = 2.0
# How long to wait for a COMPLETING job: a second is usual; on a node that hangs it never ends.
COMPLETING_TIMEOUT_S = 15.0
# https://slurm.schedmd.com/squeue.html, job state codes: all others are those of a job that is over.
QUEUED = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"}
LIVING = {"RUNNING", "SUSPENDED", "STOPPED", "RESIZING", "SIGNALING", "STAGE_OUT"}


class Queue(Protocol):
    """What a cluster knows of jobs."""

    def add(self, job: Any) -> None:
        """Note a job that was handed over just now."""

    def state(self, job: Any) -> str:
        """Return the state of a job by Slurm's name, empty if the cluster has forgotten the job."""

    def interrupt(self, job: Any) -> None:
        """Send SIGINT to its worker."""

    def cancel(self, job: Any) -> None:
        """End it."""

    def kill_command(self, job: Any) -> str:
        """Return what a user types to end it."""


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
        if time.monotonic() - self._asked > QUEUE_INTERVAL_S:
            self._ask()
            self._asked = time.monotonic()  # now: after a slow answer the next question would be due at once
        state = self._states.get(job.job_id, "")
        if state != "COMPLETING":
            return state
        since = self._completing.setdefault(job.job_id, time.monotonic())
        return "RUNNING" if time.monotonic() - since < COMPLETING_TIMEOUT_S else ""

    def interrupt(self, job: Any) -> None:
        _slurm("scancel", "--signal=INT", job.job_id)

    def cancel(self, job: Any) -> None:
        _slurm("scancel", job.job_id)

    def kill_command(self, job: Any) -> str:
        return f"scancel {job.job_id}"

    def _ask(self) -> None:
        """Ask squeue for all jobs; if it does not answer, what was known stays: the jobs may well be running."""
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
            os.kill(int(job.job_id), signal.SIGTERM)  # submitit passes SIGTERM on; at SIGINT it ends within 1 s

    def cancel(self, job: Any) -> None:
        """End it here: submitit's own cancel() prints a traceback into the sweep's terminal."""
        kill_tree(int(job.job_id))

    def kill_command(self, job: Any) -> str:
        return f"kill -9 {job.job_id}"


def _slurm(*command: str) -> str | None:
    """Return the output of one of Slurm's commands, None if it fails."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, start_new_session=True)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout if answer.returncode == 0 else None
