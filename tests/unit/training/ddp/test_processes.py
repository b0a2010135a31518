"""The ranks of a run on several devices: rank zero prints, the other ranks print only errors of their own."""

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
from tunesmith.training.ddp.processes import is_rank_zero, nonzero_rank
with nonzero_rank():
    print("spoken", is_rank_zero())
    {0}
"""


def ended(rank: str | None, statement: str = "pass") -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "LOCAL_RANK"}
    command = [sys.executable, "-c", BODY.format(statement)]
    return subprocess.run(
        command, env=env if rank is None else {**env, "LOCAL_RANK": rank}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("rank", [None, "0"], ids=["the only process", "rank zero"])
def test_rank_zero_prints(rank: str | None) -> None:
    done = ended(rank)
    assert (done.returncode, done.stdout, done.stderr) == (0, "spoken True\n", "")


def test_another_rank_is_silent() -> None:
    done = ended("1", 'print("a warning", file=sys.stderr)')
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_another_rank_prints_an_error_of_its_own() -> None:
    done = ended("1", 'raise ZeroDivisionError("a bug on rank 1")')
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("ZeroDivisionError: a bug on rank 1\n")


def test_another_rank_exits_when_rank_zero_is_gone(tmp_path: Path) -> None:
    other_rank = BODY.format('open(sys.argv[1], "w").close(); import time; time.sleep(60)')
    start = f"""
import os, subprocess, sys, time
command = [sys.executable, "-c", {other_rank!r}, sys.argv[1]]
other_rank = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
while not os.path.exists(sys.argv[1]): time.sleep(0.05)
print(other_rank.pid)
"""
    command = [sys.executable, "-c", start, str(tmp_path / "works")]
    rank_zero = subprocess.run(
        command, env={**os.environ, "LOCAL_RANK": "1"}, capture_output=True, text=True, timeout=20
    )
    pid, until = int(rank_zero.stdout), time.monotonic() + 10
    assert psutil.pid_exists(pid)
    while psutil.pid_exists(pid):
        assert time.monotonic() < until
        time.sleep(0.1)
