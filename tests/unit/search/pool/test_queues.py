"""What a cluster's queue knows of jobs."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from squeue import Squeue, fake_squeue

from tunesmith.search.pool import queues
from tunesmith.search.pool.queues import LocalQueue, SlurmQueue

JOB = SimpleNamespace(job_id="7")


@pytest.fixture
def squeue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Squeue:
    return fake_squeue(tmp_path, monkeypatch)


@pytest.fixture
def slurm() -> SlurmQueue:
    """A queue that was handed job 7."""
    queue = SlurmQueue()
    queue.add(JOB)
    return queue


def test_a_job_that_was_handed_over_just_now_waits(squeue: Squeue, slurm: SlurmQueue, monkeypatch: Any) -> None:
    monkeypatch.setattr(queues, "QUEUE_INTERVAL_S", 60.0)
    squeue()
    assert slurm.state(JOB) == "PENDING"


def test_a_job_has_slurms_state_and_none_if_slurm_has_forgotten_it(squeue: Squeue, slurm: SlurmQueue) -> None:
    squeue("7 SUSPENDED", "8 FAILED")
    assert slurm.state(JOB) == "SUSPENDED"
    squeue("8 RUNNING")
    assert slurm.state(JOB) == ""


def test_a_queue_that_does_not_answer_leaves_what_was_known(squeue: Squeue, slurm: SlurmQueue) -> None:
    squeue("7 RUNNING")
    assert slurm.state(JOB) == "RUNNING"
    squeue(code=1)
    assert slurm.state(JOB) == "RUNNING"
    squeue("7 FAILED")
    assert slurm.state(JOB) == "FAILED"


def test_a_job_that_does_not_come_to_its_end_is_given_up(
    squeue: Squeue, slurm: SlurmQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    squeue("7 COMPLETING")
    assert slurm.state(JOB) == "RUNNING"
    monkeypatch.setattr(queues, "COMPLETING_TIMEOUT_S", 0.0)
    assert slurm.state(JOB) == ""


def test_one_question_answers_for_all_jobs_for_a_while(
    squeue: Squeue, slurm: SlurmQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    squeue("7 RUNNING", "8 PENDING")
    assert slurm.state(JOB) == "RUNNING"
    monkeypatch.setattr(queues, "QUEUE_INTERVAL_S", 60.0)
    assert [slurm.state(SimpleNamespace(job_id=name)) for name in ("7", "8", "9")] == ["RUNNING", "PENDING", ""]
    assert (tmp_path / "asked").read_text().count("asked") == 1


def test_a_local_job_runs_or_is_forgotten() -> None:
    assert LocalQueue().state(SimpleNamespace(job_id="1", state="RUNNING")) == "RUNNING"
    assert LocalQueue().state(SimpleNamespace(job_id="1", state="FINISHED")) == ""


def test_a_local_job_is_cancelled_with_its_children() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as controller:
        assert controller.stdout is not None
        assert controller.stdout.readline() == "1\n"
        (child,) = psutil.Process(controller.pid).children()
        LocalQueue().cancel(SimpleNamespace(job_id=str(controller.pid), state="RUNNING"))
        controller.wait(20)
        _wait_for_end(child)
    LocalQueue().cancel(SimpleNamespace(job_id=str(controller.pid), state="RUNNING"))  # it is gone


def _wait_for_end(process: psutil.Process, seconds: float = 20) -> None:
    """Wait until the kernel has ended a process that was killed: its parent may be gone before."""
    deadline = time.monotonic() + seconds
    with suppress(psutil.NoSuchProcess):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, f"{process} is still running"
            time.sleep(0.01)
