"""SIGTERM and Ctrl-C in a lean training; real signals of this process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from tunesmith.training.lean.signals import hear_sigterm, uninterrupted


@pytest.fixture(autouse=True)
def _as_in_a_terminal() -> Iterator[None]:
    """Hear Ctrl-C, which a shell has a command in the background ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_sigterm_ends_the_process_where_it_is_looked_for() -> None:
    with hear_sigterm() as check:
        check()
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(SystemExit, match=r"^143$"):
            check()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_handler_of_sigterm_that_is_there_stays() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda signum, frame: heard.append(signum))
    try:
        with hear_sigterm() as check:
            os.kill(os.getpid(), signal.SIGTERM)
            check()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]


def test_ctrl_c_is_ignored_while_a_run_is_saved_and_heard_again_after() -> None:
    with uninterrupted():
        os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        os.kill(os.getpid(), signal.SIGINT)


def test_another_thread_than_the_main_one_sets_no_handler() -> None:
    seen: list[object] = []

    def look() -> None:
        with hear_sigterm() as check, uninterrupted():
            check()
            seen.extend(map(signal.getsignal, (signal.SIGTERM, signal.SIGINT)))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL, signal.default_int_handler]
