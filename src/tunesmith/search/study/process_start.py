"""When a process was started, on clocks that nobody sets: a step of the system clock moves none of this."""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path

import psutil

# proc_pid_stat(5): field 22, the 20th behind the name, which may hold blanks and brackets itself.
_START_TICKS = 19


@cache
def boot_id() -> str | None:
    """Return a name of this boot of the machine, None if the system has none."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.is_file() else None


def start_mark(pid: int) -> float | None:
    """Return a number that a living process keeps: clock ticks since boot on Linux; None if the system has none.

    psutil's create_time() is no such number: it adds the time of the boot, which moves with the clock.

    Raises:
        psutil.NoSuchProcess: no process has this pid.
    """
    if Path("/proc/self/stat").is_file():
        return _start_ticks(pid)
    try:
        return float(psutil.Process(pid)._proc.create_time(monotonic=True))  # type: ignore[attr-defined]
    except (AttributeError, TypeError):  # Windows, and psutil before 7.1
        return None


def process_started() -> float:
    """Return when this process was started, on the scale of time.monotonic()."""
    ticks = start_mark(os.getpid())
    if boot_id() is None or ticks is None:
        return time.monotonic()
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic() - max(0.0, since_boot - ticks / os.sysconf("SC_CLK_TCK"))


def _start_ticks(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        raise psutil.NoSuchProcess(pid) from None
    return int(stat[stat.rindex(b")") + 2 :].split()[_START_TICKS])
