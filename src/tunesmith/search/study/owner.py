"""Which process runs an attempt, and whether that process still lives."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from tunesmith.search.study.process_start import boot_id, process_started, start_mark

# Environment of a worker that a sweep has started: the worker's index, from 0.
WORKER = "TUNESMITH_WORKER"
# Environment of a worker that is a job of a cluster: the job's id there.
JOB = "TUNESMITH_JOB"
# Environment of a worker that a sweep has started: the boot, and the sweep's start on that boot's monotonic clock.
STARTED = "TUNESMITH_STARTED"
# Owners of earlier versions are known by psutil's create_time() alone, which two processes read a little differently.
START_TOLERANCE_S = 1.0


@dataclass(frozen=True)
class Owner:
    """The process that has claimed an attempt; a field that the process did not record is None.

    machine: tells apart containers that share a host's name; boot: this boot of the machine, and the space of its pids.
    started: of the process, in seconds since the epoch, for people; start_mark: the same as no clock can move it.
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
    boot: str | None = None
    start_mark: float | None = None

    @classmethod
    def from_attribute(cls, attribute: Mapping[str, Any]) -> Owner:
        """Return the owner that an attribute of a study describes."""
        return cls(**{field.name: attribute.get(field.name) for field in fields(cls)})

    def to_attribute(self, folder: Path | None) -> dict[str, Any]:
        """Return the attribute that names this owner; folder: the study's, None if the attempt leaves no files."""
        return {**asdict(self), "folder": folder and str(folder.absolute())}

    def is_this_process(self) -> bool:
        return self.is_here() and self.pid == os.getpid() and self._has_start_of(os.getpid()) is True

    def is_here(self) -> bool:
        """Tell whether the pid is one of this machine's; an owner that names no machine counts as elsewhere.

        The host's name may have changed since this boot.
        """
        here = this_process()
        if self.machine is None or here.machine is None:
            return False
        is_renamed = self.boot is not None and self.boot == here.boot
        return self.machine == here.machine or (
            is_renamed and _without_host(self.machine) == _without_host(here.machine)
        )

    def lives(self) -> bool | None:
        """Whether the process lives; None if it cannot be asked, because it is on another machine or hidden from us."""
        if not self.is_here():
            return None
        if self.boot is not None and self.boot != this_process().boot:
            return False  # the machine was started anew since
        if self.pid is None:
            return None
        try:
            if psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE:
                return False
            return self._has_start_of(self.pid)
        except psutil.NoSuchProcess:
            return None if _is_hidden(self.pid) else False

    def is_dead(self) -> bool:
        """Whether the process is known to be gone."""
        return self.lives() is False

    def _has_start_of(self, pid: int) -> bool | None:
        """Whether a process was started when the owner was, because the system reuses pids; None if that is open.

        An owner of an earlier version may have read its start before the clock was set.
        """
        if self.start_mark is not None:
            return start_mark(pid) == self.start_mark
        is_near = abs(psutil.Process(pid).create_time() - (self.started or 0.0)) <= START_TOLERANCE_S
        return True if is_near else None


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
        boot=_boot(),
        start_mark=start_mark(pid),
    )


os.register_at_fork(after_in_child=this_process.cache_clear)


def worker_index() -> int | None:
    """Return the index of this worker, None in the process that a user has started."""
    index = os.environ.get(WORKER)
    return None if index is None else int(index)


def command_started() -> float | None:
    """Return when this process's sweep was started, on the scale of time.monotonic().

    None in a worker on another machine, which has no clock in common with the sweep.
    """
    given = os.environ.get(STARTED)
    if given is None:
        return process_started()
    boot, _, started = given.rpartition(" ")
    return float(started) if boot == str(boot_id()) else None


def started_in_environment(started: float) -> dict[str, str]:
    """Return the environment that tells workers when the sweep was started; it also tells sweeps apart."""
    return {STARTED: f"{boot_id()} {started!r}"}


def _machine() -> str:
    """Return a name of this machine or container; containers may share a host name and repeat each other's pids.

    Without an id of the machine another one may have the same name: then this boot's id is part of it.
    """
    parts = [socket.gethostname(), _machine_id() or boot_id(), _pid_namespace()]
    return " ".join(part for part in parts if part)


def _without_host(machine: str) -> str:
    return machine.partition(" ")[2]


def _machine_id() -> str | None:
    path = Path("/etc/machine-id")
    return path.read_text().strip() if path.is_file() else None


def _pid_namespace() -> str | None:
    path = Path("/proc/self/ns/pid")
    return os.readlink(path) if path.is_symlink() else None


def _boot() -> str | None:
    """Return a name that two processes share if either can ask for the other's pid, whatever the host is called."""
    return boot_id() and f"{boot_id()} {_pid_namespace()}"


def _is_hidden(pid: int) -> bool:
    """Whether a process exists that /proc does not show to this user."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return False
