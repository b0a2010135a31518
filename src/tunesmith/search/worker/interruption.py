"""Ctrl-C and SIGTERM during a sweep: asked once it ends in order, asked twice at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

# How long a worker may take to end in order after its sweep is gone.
GRACE_S = 5.0
SIGNALS = (signal.SIGINT, signal.SIGTERM)
# A job gets a further one some time before it has to end: submitit's choice, which its environment may change.
JOB_SIGNALS = (*SIGNALS, getattr(signal, f"SIG{os.environ.get('SUBMITIT_PREEMPT_SIGNAL', 'USR2')}"))


class Interruption:
    """Notes that the sweep was asked to end; workers and trials look at it between two steps."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self._holds_off = False

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
            if self.signal is not None and self._holds_off:
                return
            if self.signal is not None:
                raise SystemExit(self.exit_code)
            self.request(signum)
            if hint:
                print(hint, flush=True)

        before = {signum: signal.signal(signum, take) for signum in signals}
        try:
            yield
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)
