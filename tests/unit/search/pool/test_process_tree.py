"""A process and all that it has started are ended, whatever state they are in."""

from __future__ import annotations

import signal
import subprocess
import sys

import psutil

from tunesmith.search.pool.process_tree import kill_tree, status

STARTS_A_STOPPED_CHILD = """
import os, signal, subprocess, sys, time
stop = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"
child = subprocess.Popen([sys.executable, "-c", stop], start_new_session=True)
os.waitid(os.P_PID, child.pid, os.WSTOPPED)
print(child.pid, flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_a_stopped_process_is_ended_with_its_stopped_child_in_a_session_of_its_own() -> None:
    process = subprocess.Popen([sys.executable, "-c", STARTS_A_STOPPED_CHILD], stdout=subprocess.PIPE)
    assert process.stdout is not None
    child = psutil.Process(int(process.stdout.readline()))
    while status(process.pid) != psutil.STATUS_STOPPED:
        pass
    kill_tree(process.pid)
    assert process.wait() == -signal.SIGKILL
    psutil.wait_procs([child], timeout=20)
    assert status(child.pid) in ("gone", psutil.STATUS_ZOMBIE)
    process.stdout.close()


def test_a_process_that_is_gone_is_ended_already() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    kill_tree(process.pid)
    assert status(process.pid) == "gone"
