"""The queue of a cluster as a worker's job sees it; what a job becomes."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from squeue import Squeue, fake_squeue

from tunesmith.search.pool.jobs import Job, WorkerJob
from tunesmith.search.pool.queues import SlurmQueue
from tunesmith.search.study.owner import JOB, Owner


@pytest.fixture
def squeue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Squeue:
    return fake_squeue(tmp_path, monkeypatch)


def job(job_id: str, tmp_path: Path, queue: SlurmQueue) -> Job:
    log = tmp_path / "output.log"
    log.write_text("of an earlier job\nno such library\n")
    paths = SimpleNamespace(stderr="its own log")
    return Job(1, SimpleNamespace(job_id=job_id, paths=paths), queue, log, len("of an earlier job\n"))


@pytest.mark.parametrize("state", ["RUNNING", "SUSPENDED", "COMPLETING"])
def test_a_job_lives(state: str, squeue: Squeue, tmp_path: Path) -> None:
    mine = job("7", tmp_path, SlurmQueue())
    squeue(f"7 {state}", "8 FAILED")
    assert mine.ended() is None
    assert not mine.is_queued()


@pytest.mark.parametrize("state", ["PENDING", "CONFIGURING", "REQUEUE_HOLD"])
def test_a_job_waits_for_its_turn(state: str, squeue: Squeue, tmp_path: Path) -> None:
    mine = job("7", tmp_path, SlurmQueue())
    squeue(f"7 {state}")
    assert mine.ended() is None
    assert mine.is_queued()


@pytest.mark.parametrize(
    ("state", "how", "is_failure"),
    [
        ("FAILED", "ended (FAILED)", True),
        ("CANCELLED", "ended (CANCELLED)", False),
        ("TIMEOUT", "ended (TIMEOUT)", False),
        ("NODE_FAIL", "ended (NODE_FAIL)", False),
        ("PREEMPTED", "ended (PREEMPTED)", False),
        ("COMPLETED", "ended (COMPLETED)", False),
    ],
)
def test_a_job_is_over(state: str, how: str, is_failure: bool, squeue: Squeue, tmp_path: Path) -> None:
    mine = job("7", tmp_path, SlurmQueue())
    squeue(f"7 {state}")
    end = mine.ended()
    assert end is not None
    assert (end.how, end.last_words, end.is_failure) == (how, "no such library", is_failure)


@pytest.mark.parametrize(
    ("owner", "is_it"),
    [
        (Owner(worker=1, job="7"), True),
        (Owner(worker=1, job="6"), False),
        (Owner(worker=1), False),
        (None, False),
    ],
    ids=["it", "an earlier job", "no job", "nobody"],
)
def test_a_trials_owner_is_a_job(owner: Owner | None, is_it: bool, tmp_path: Path) -> None:
    assert job("7", tmp_path, SlurmQueue()).owns(owner) == is_it


def test_a_job_becomes_its_worker(tmp_path: Path) -> None:
    code = "import os; print(os.getpid(), os.getcwd(), os.environ['INDEX'], os.environ['TUNESMITH_JOB'])"
    log = tmp_path / "output.log"
    log.write_text("before\n")
    work = WorkerJob([sys.executable, "-c", code], {"INDEX": "3"}, str(tmp_path), str(log))
    (tmp_path / "work.pkl").write_bytes(pickle.dumps(work))
    run = (
        "import os, pickle, submitit; submitit.JobEnvironment = lambda: type('E', (), {'job_id': '42'}); "
        "print(os.getpid(), flush=True); pickle.load(open('work.pkl', 'rb'))()"
    )
    done = subprocess.run([sys.executable, "-c", run], cwd=tmp_path, capture_output=True, text=True, check=True)
    pid = done.stdout.strip()
    assert log.read_text() == f"before\n{pid} {tmp_path} 3 42\n"
    assert JOB == "TUNESMITH_JOB"
