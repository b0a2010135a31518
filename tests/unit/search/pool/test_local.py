"""Workers that are processes of this machine: started, watched, interrupted, killed."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tunesmith.search.pool.local import LocalWorker, LocalWorkers
from tunesmith.search.pool.pool import WorkerExit
from tunesmith.search.study.owner import this_process


def start(folder: Path, code: str, index: int = 0) -> LocalWorker:
    return LocalWorkers([sys.executable, "-c", code], {"STUDY": "s"}, folder)(index)


def wait_until(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def end_of(worker: LocalWorker) -> WorkerExit:
    wait_until(worker.ended)
    end = worker.ended()
    assert end is not None
    worker.kill()
    return end


@pytest.mark.parametrize(
    ("code", "end"),
    [
        ("print('done')", WorkerExit("ended with exit code 0", "done", False, True)),
        ("print('so far'); raise SystemExit('no disk')", WorkerExit("ended with exit code 1", "no disk", True)),
        (
            "import os; print('so far', flush=True); os.kill(os.getpid(), 9)",
            WorkerExit("was ended by SIGKILL", "so far", False),
        ),
        (
            "print('error: disk full'); raise SystemExit(74)",
            WorkerExit("ended with exit code 74", "error: disk full", True, is_machine_fault=True),
        ),
    ],
    ids=["in order", "with an error", "killed", "full disk"],
)
def test_how_a_worker_ended(tmp_path: Path, code: str, end: WorkerExit) -> None:
    assert end_of(start(tmp_path, code)) == end


def test_the_last_words_are_those_of_the_last_worker_of_this_index(tmp_path: Path) -> None:
    end_of(start(tmp_path, "print('of the first')"))
    assert end_of(start(tmp_path, "")).last_words.endswith("output.log is empty")
    assert (tmp_path / "workers" / "0" / "output.log").read_text() == "of the first\n"


def test_a_worker_knows_its_index_and_the_sweeps_environment(tmp_path: Path) -> None:
    end = end_of(start(tmp_path, "import os; print(os.environ['TUNESMITH_WORKER'], os.environ['STUDY'])", index=3))
    assert end.last_words == "3 s"


READY = "import sys, time; print('ready', flush=True); "


def is_ready(folder: Path) -> bool:
    return (folder / "workers" / "0" / "output.log").read_text() == "ready\n"


def test_a_worker_is_interrupted_once_and_killed_with_nothing_left(tmp_path: Path) -> None:
    catch = "import signal; signal.signal(signal.SIGINT, lambda *_: print('asked', flush=True)); "
    worker = start(tmp_path, catch + READY + "[time.sleep(0.05) for _ in range(9999)]")
    wait_until(lambda: is_ready(tmp_path))
    for _ in range(3):
        worker.interrupt()
    output = tmp_path / "workers" / "0" / "output.log"
    wait_until(lambda: "asked" in output.read_text())
    assert worker.ended() is None
    assert not worker.is_queued()
    worker.kill()
    assert output.read_text().count("asked") == 1
    end = worker.ended()
    assert end is not None
    assert end.how == f"was ended by {signal.SIGKILL.name}"


def test_a_worker_sees_that_its_sweep_is_gone_by_its_stdin(tmp_path: Path) -> None:
    worker = start(tmp_path, READY + "sys.stdin.read(); print('gone')")
    wait_until(lambda: is_ready(tmp_path))
    assert worker._process.stdin is not None
    worker._process.stdin.close()
    assert end_of(worker).last_words == "gone"


def test_a_worker_owns_the_attempts_of_its_process(tmp_path: Path) -> None:
    worker = start(tmp_path, READY + "sys.stdin.read()")
    pid = psutil.Process(worker._process.pid).pid
    assert worker.owns(replace(this_process(), pid=pid))
    assert not worker.owns(this_process())
    assert not worker.owns(replace(this_process(), pid=pid, machine="another"))
    assert not worker.owns(None)
    worker.kill()


def test_a_worker_tells_how_it_is_and_how_to_end_it(tmp_path: Path) -> None:
    worker = start(tmp_path, READY + "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)")
    pid = worker._process.pid
    wait_until(lambda: worker.condition() == f"pid {pid}, stopped")
    assert worker.kill_command == f"kill -9 {pid}"
    worker.interrupt()  # which it cannot hear
    assert worker.ended() is None
    worker.kill()
    assert worker.ended() is not None


def test_a_killed_worker_that_waits_in_the_kernel_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tunesmith.search.pool.local.KILL_TIMEOUT_S", 0.1)
    worker = start(tmp_path, READY + "sys.stdin.read()")
    wait_until(lambda: is_ready(tmp_path))
    with monkeypatch.context() as context:
        context.setattr("tunesmith.search.pool.local.kill_tree", lambda pid: None)  # SIGKILL waits there as well
        worker.kill()
    assert capsys.readouterr().out.startswith("worker 0 is not gone 0.1 s after it was killed: pid ")
    worker._process.wait()  # its stdin is closed
