"""Ends a process together with all that it has started."""

from __future__ import annotations

from contextlib import suppress

import psutil


def kill_tree(pid: int) -> None:
    """Kill a process and its descendants, in sessions of their own too: no signal but SIGKILL ends one that hangs."""
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        root.suspend()  # it starts nothing more
        for process in (*root.children(recursive=True), root):
            with suppress(psutil.NoSuchProcess):
                process.kill()


def status(pid: int) -> str:
    """Return what the system says of a process, as psutil names it: running, stopped, disk-sleep, gone."""
    try:
        return str(psutil.Process(pid).status())
    except psutil.NoSuchProcess:
        return "gone"
