"""Interruptions: the first is noted, the second ends the process; a worker ends with its sweep."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from tunesmith.search.worker.interruption import JOB_SIGNALS, SIGNALS, Interruption

FOLLOW = """
import os, sys, time
from tunesmith.search.worker.interruption import Interruption
interruption = Interruption()
interruption.follow(sys.stdin.fileno())
print("follows", flush=True)
until = time.monotonic() + 60
while time.monotonic() < until and not (sys.argv[1] == "obeys" and interruption.signal):
    time.sleep(0.01)
print("leaves", flush=True)
sys.exit(interruption.exit_code)
"""

both = pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)


@both
def test_the_first_signal_is_noted(capsys: pytest.CaptureFixture[str], signum: signal.Signals, code: int) -> None:
    interruption = Interruption()
    with interruption.listen("once more ends at once"):
        assert interruption.signal is None
        signal.raise_signal(signum)
    assert (interruption.signal, interruption.exit_code) == (signum, code)
    assert capsys.readouterr().out == "once more ends at once\n"


@both
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM], ids=["then SIGINT", "then SIGTERM"])
def test_the_second_one_ends_the_process(signum: signal.Signals, code: int, second: signal.Signals) -> None:
    with Interruption().listen():
        signal.raise_signal(signum)
        with pytest.raises(SystemExit, match=f"^{code}$"):
            signal.raise_signal(second)


def test_the_handlers_are_put_back() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    with Interruption().listen():
        assert [signal.getsignal(number) for number in numbers] != before
    assert [signal.getsignal(number) for number in numbers] == before


def test_outside_the_main_thread_no_signal_is_taken() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def listen() -> None:
        with Interruption().listen():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert seen == [before]


@pytest.mark.parametrize(
    ("conduct", "left"), [("obeys", "leaves\n"), ("ignores", "")], ids=["in order", "or when its grace is over"]
)
def test_a_worker_ends_when_the_pipe_of_its_sweep_is_closed(conduct: str, left: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FOLLOW, conduct], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert worker.stdout.readline() == "follows\n"
        time.sleep(0.1)
        assert worker.poll() is None
        started = time.monotonic()
        worker.stdin.close()
        assert worker.stdout.read() == left
        assert worker.wait() == 143
        assert time.monotonic() - started < 10


@pytest.mark.parametrize(("signals", "is_heard"), [(JOB_SIGNALS, True), (SIGNALS, False)], ids=["a job", "a process"])
def test_a_job_is_told_before_its_time_is_over(signals: tuple[int, ...], is_heard: bool) -> None:
    """By submitit's signal, which ends any other process."""
    interruption = Interruption()
    before = signal.signal(signal.SIGUSR2, lambda *_: None)
    try:
        with interruption.listen(signals=signals):
            signal.raise_signal(signal.SIGUSR2)
        assert interruption.signal == (signal.SIGUSR2 if is_heard else None)
    finally:
        signal.signal(signal.SIGUSR2, before)


HANGS = """
import ctypes
from tunesmith.search.worker import interruption
interruption.GRACE_S = 0.3
with interruption.Interruption().listen():
    mutex = ctypes.create_string_buffer(128)  # of zeros, as PTHREAD_MUTEX_INITIALIZER
    lock = ctypes.CDLL(None).pthread_mutex_lock
    lock(mutex)
    print("hangs", flush=True)
    lock(mutex)
"""


def test_a_process_that_hangs_in_a_library_is_ended_by_the_second_signal() -> None:
    with subprocess.Popen([sys.executable, "-c", HANGS], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "hangs\n"
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130
            assert process.stdout.read() == "ended at once: the trial hangs, and hears no signal\n"
        finally:
            process.kill()


def test_a_second_signal_that_was_heard_ends_nothing_that_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunesmith.search.worker.interruption.GRACE_S", 0.05)
    interruption = Interruption()
    with interruption.listen(), interruption.hold_off():  # as while a pool kills its workers
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.3)
    assert interruption.signal == signal.SIGINT


def test_a_signal_to_a_fork_is_none_to_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunesmith.search.worker.interruption.GRACE_S", 0.05)
    with Interruption().listen():
        signal.raise_signal(signal.SIGINT)  # heard; Ctrl-C goes to the forks of a loader as well
        if (pid := os.fork()) == 0:
            signal.signal(signal.SIGINT, lambda *_: None)
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.3)
            os._exit(0)
        os.waitpid(pid, 0)  # as a run waits for a device
