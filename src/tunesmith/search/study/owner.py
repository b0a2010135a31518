"""Which process runs an attempt, and whether that process still lives."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import psutil

# Environment of a worker that a sweep has started: the worker's index, from 0.
WORKER = "TUNESMITH_WORKER"
# Environment of a worker that is a job of a cluster: the job's id there.
JOB = "TUNESMITH_JOB"
# Environment of a worker that a sweep has started: when the sweep was started, in seconds since the epoch.
STARTED = "TUNESMITH_STARTED"


@dataclass(frozen=True)
class Owner:
    """The process that has claimed an attempt; a field that the process did not record is None.

    machine: tells apart containers that share a host's name; started: of the process, in seconds since the epoch.
    worker: its index, None if the sweep itself runs the attempt; job: its id in the cluster's queue.
    folder: the study's, in which the attempt's own folder lies.
    """

    host: str | None = None
    machine: str | None = None
    pid: int | None = None
    started: float | None = None
    worker: int | None = None
    job: str | None = None
    folder: str | None = None

    @classmethod
    def from_attribute(cls, attribute: Mapping[str, Any]) -> Owner:
        """Return the owner that an attribute of a study describes."""
        return cls(**{field.name: attribute.get(field.name) for field in fields(cls)})

    def to_attribute(self, folder: Path | None) -> dict[str, Any]:
        """Return the attribute that names this owner; folder: the study's, None if the attempt leaves no files."""
        return {**asdict(self), "folder": folder and str(folder.absolute())}

    def is_this_process(self) -> bool:
        return replace(self, folder=None) == this_process()

    def is_here(self) -> bool:
        """Tell whether the pid is one of this machine's; an owner that names no machine counts as elsewhere."""
        return self.machine == this_process().machine

    def is_dead(self) -> bool:
        """Whether the process is gone; False for a process of another machine, which cannot be asked.

        The start time is compared because the system reuses pids.
        """
        if not self.is_here():
            return False
        assert self.started is not None
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.started) > 1.0 or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True


@cache
def this_process() -> Owner:
    """Return this process as an owner, without a folder."""
    pid = os.getpid()
    return Owner(
        host=socket.gethostname(),
        machine=_machine(),
        pid=pid,
        started=psutil.Process(pid).create_time(),
        worker=worker_index(),
        job=os.environ.get(JOB),
    )


def worker_index() -> int | None:
    """Return the index of this worker, None in the process that a user has started."""
    index = os.environ.get(WORKER)
    return None if index is None else int(index)


def command_started() -> float:
    """Return when this process's sweep was started, in seconds since the epoch."""
    given = os.environ.get(STARTED, this_process().started)
    assert given is not None
    return float(given)


def _machine() -> str:
    """Return a name of this machine or container; containers may share a host name and repeat each other's pids."""
    parts = [socket.gethostname()]
    if Path("/etc/machine-id").exists():
        parts.append(Path("/etc/machine-id").read_text().strip())
    if Path("/proc/self/ns/pid").is_symlink():
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)
