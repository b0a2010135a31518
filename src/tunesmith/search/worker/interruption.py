"""Ctrl-C and SIGTERM during a sweep: asked once it ends in order, asked twice at once."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from tunesmith.footer import end_echo

# How long a worker may take to end in order after its sweep is gone.
GRACE_S = 5.0
# How often to look, in that time, whether the main thread gets on.
LOOKS = 20
SIGNALS = (signal.SIGINT, signal.SIGTERM)
# A job gets a further one some time before it has to end: submitit's choice, which its environment may change.
JOB_SIGNALS = (*SIGNALS, getattr(signal, f"SIG{os.environ.get('SUBMITIT_PREEMPT_SIGNAL', 'USR2')}"))


class Interruption:
    """Notes that the sweep was asked to end; workers and trials look at it between two steps."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self._holds_off = False
        self._num_heard = 0

    @property
    def exit_code(self) -> int:
        return 128 + (self.signal or signal.SIGINT)

    def request(self, signum: int = signal.SIGTERM) -> None:
        """Ask for the end, as the signal does."""
        self.signal = self.signal or signum

    @contextmanager
    def hold_off(self) -> Iterator[None]:
        """Let no signal break into a block that would leave something behind if it were cut short."""
        self._holds_off = True
        try:
            yield
        finally:
            self._holds_off = False

    def follow(self, file: int) -> None:
        """Ask for the end when the other end of a pipe is closed, its process being gone; exit if that fails."""

        def read() -> None:
            while os.read(file, 4096):
                pass
            self.request()
            time.sleep(GRACE_S)
            os._exit(self.exit_code)

        threading.Thread(target=read, daemon=True).start()

    @contextmanager
    def listen(self, hint: str = "", signals: Sequence[int] = SIGNALS) -> Iterator[None]:
        """Take the signals for the time of a block, in the main thread; hint: printed at the first one."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def take(signum: int, frame: FrameType | None) -> None:
            self._num_heard += 1
            if hint and signum == signal.SIGINT:
                end_echo()
            if self.signal is not None and self._holds_off:
                return
            if self.signal is not None:
                raise SystemExit(self.exit_code)
            self.request(signum)
            if hint:
                print(hint, flush=True)

        before = {signum: signal.signal(signum, take) for signum in signals}
        try:
            with self._end_if_deaf(signals):
                yield
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)

    @contextmanager
    def _end_if_deaf(self, signals: Sequence[int]) -> Iterator[None]:
        """End the process after a second signal if its main thread hangs in a library, where no handler runs."""
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)  # written to whatever Python does
        thread = threading.Thread(target=self._follow_signals, args=(ours, signals), daemon=True)
        thread.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            theirs.close()
            thread.join(0.1)

    def _follow_signals(self, sent: socket.socket, signals: Sequence[int]) -> None:
        num_sent = 0
        with sent:
            while received := sent.recv(64):
                num_sent += sum(signum in signals for signum in received)
                if num_sent > 1 and self._num_heard < 2 and _main_thread_stands_still(GRACE_S):
                    os.write(1, b"ended at once: the trial hangs, and hears no signal\n")
                    os._exit(self.exit_code)


# The system sends Ctrl-C to a loader's forks as well: they would write into this process's socket.
os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))


def _main_thread_stands_still(seconds: float) -> bool:
    """Whether the main thread runs no Python for so long."""
    places = {_place_of_main_thread()}
    for _ in range(LOOKS):
        time.sleep(seconds / LOOKS)
        places.add(_place_of_main_thread())
    return len(places) == 1


def _place_of_main_thread() -> tuple[int, int]:
    frame = sys._current_frames()[threading.main_thread().ident or 0]
    return id(frame), frame.f_lasti
