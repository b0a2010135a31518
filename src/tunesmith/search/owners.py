"""Which process runs a trial, and whether it still lives."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from functools import cache
from typing import Any

import psutil


@cache
def this_process() -> dict[str, Any]:
    """Return host, pid and start time (seconds since the epoch) of this process: what a trial records as its owner."""
    pid = os.getpid()
    return {"host": socket.gethostname(), "pid": pid, "started": psutil.Process(pid).create_time()}


def is_dead(owner: Mapping[str, Any]) -> bool:
    """Tell whether an owner's process is known to be gone; one on another host never is.

    A pid is given again by the system, with another start time.
    """
    if owner["host"] != socket.gethostname():
        return False
    try:
        process = psutil.Process(owner["pid"])
        return abs(process.create_time() - owner["started"]) > 1.0 or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
