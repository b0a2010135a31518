"""Followers: the further processes of a run on several devices say nothing but their own error."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

BODY = """
import sys
from tunesmith.training.ddp.processes import nonzero_rank, is_follower
with nonzero_rank():
    print("spoken", is_follower())
    {0}
"""


def ended(rank: str | None, statement: str = "pass") -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "LOCAL_RANK"}
    command = [sys.executable, "-c", BODY.format(statement)]
    return subprocess.run(
        command, env=env if rank is None else {**env, "LOCAL_RANK": rank}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("rank", [None, "0"], ids=["the only process", "the first process"])
def test_the_first_process_speaks(rank: str | None) -> None:
    done = ended(rank)
    assert (done.returncode, done.stdout, done.stderr) == (0, "spoken False\n", "")


def test_a_follower_is_silent() -> None:
    done = ended("1", 'print("a warning", file=sys.stderr)')
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_follower_tells_an_error_of_its_own() -> None:
    done = ended("1", 'raise ZeroDivisionError("a bug on rank 1")')
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("ZeroDivisionError: a bug on rank 1\n")


def test_a_follower_ends_when_the_first_process_is_gone(tmp_path: Path) -> None:
    follower = BODY.format('open(sys.argv[1], "w").close(); import time; time.sleep(60)')
    start = f"""
import os, subprocess, sys, time
command = [sys.executable, "-c", {follower!r}, sys.argv[1]]
follower = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
while not os.path.exists(sys.argv[1]): time.sleep(0.05)
print(follower.pid)
"""
    command = [sys.executable, "-c", start, str(tmp_path / "works")]
    first = subprocess.run(command, env={**os.environ, "LOCAL_RANK": "1"}, capture_output=True, text=True, timeout=20)
    pid, until = int(first.stdout), time.monotonic() + 10
    assert psutil.pid_exists(pid)
    while psutil.pid_exists(pid):
        assert time.monotonic() < until
        time.sleep(0.1)
