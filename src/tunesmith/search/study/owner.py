"""Which process runs a trial, and whether it still lives."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import psutil

# Set in the environment of a worker that a sweep has started: its index, from 0.
WORKER = "TUNESMITH_WORKER"
# Of a worker that is a job of a cluster: the job's id there.
JOB = "TUNESMITH_JOB"
# Set in the environment of a worker that a sweep has started: when that was, in seconds since the epoch.
STARTED = "TUNESMITH_STARTED"


@cache
def this_process() -> dict[str, Any]:
    """Return what a trial records as its owner: host, machine, pid, start time (seconds since the epoch), worker, job.

    worker: its index, None where the sweep runs its trials itself; job: its id, None where the worker is none.
    """
    pid = os.getpid()
    return {
        "host": socket.gethostname(),
        "machine": _machine(),
        "pid": pid,
        "started": psutil.Process(pid).create_time(),
        "worker": worker_index(),
        "job": os.environ.get(JOB),
    }


def worker_index() -> int | None:
    """Return the index of this worker, None in the process that a user has started."""
    index = os.environ.get(WORKER)
    return None if index is None else int(index)


def command_started() -> float:
    """Return when this process's sweep was started, in seconds since the epoch."""
    return float(os.environ.get(STARTED, this_process()["started"]))


def is_here(owner: Mapping[str, Any]) -> bool:
    """Tell whether an owner's pid is one of this machine's; one that names no machine, as older studies' do, may be."""
    return bool(owner.get("machine") == this_process()["machine"])


def is_dead(owner: Mapping[str, Any]) -> bool:
    """Tell whether an owner's process is known to be gone; one on another machine never is.

    A pid is given again by the system, with another start time.
    """
    if not is_here(owner):
        return False
    try:
        process = psutil.Process(owner["pid"])
        return abs(process.create_time() - owner["started"]) > 1.0 or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _machine() -> str:
    """Tell machines apart, and containers that share a host's name but number their processes each from 1."""
    parts = [socket.gethostname()]
    if Path("/etc/machine-id").exists():
        parts.append(Path("/etc/machine-id").read_text().strip())
    if Path("/proc/self/ns/pid").is_symlink():
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)
