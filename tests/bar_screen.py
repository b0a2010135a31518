"""A terminal that this process prints to, and what a person sees on it."""

from __future__ import annotations

import logging
import os
import pty
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

ERASE = "\r\x1b[2K"


class Screen:
    """Keeps all that is written to the end of a pseudo-terminal that a terminal holds."""

    def __init__(self, master: int) -> None:
        self._written = b""
        self._master = master
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):  # the other end is closed
            while got := os.read(self._master, 65536):
                self._written += got

    def end(self) -> None:
        """Wait for the last of it; the other end has been closed."""
        self._reader.join()
        os.close(self._master)

    @property
    def text(self) -> str:
        return self._written.decode().replace("\r\n", "\n")

    @property
    def lines(self) -> list[str]:
        """What stands in the terminal: of each line what was written after it was last erased."""
        return [line.rpartition(ERASE)[2] for line in self.text.split("\n")]

    @property
    def bars(self) -> list[str]:
        """All that was drawn at the foot, in its order."""
        return [part for part in self.text.replace("\n", ERASE).split(ERASE) if "━" in part or "─" in part]


@contextmanager
def printed_to_terminal(monkeypatch: pytest.MonkeyPatch, term: str = "xterm") -> Iterator[Screen]:
    """Let stdout and stderr be a terminal of 80 columns, and tunesmith's log go there too."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    screen = Screen(master)
    log, before = logging.getLogger("tunesmith"), logging.getLogger("tunesmith").level
    with os.fdopen(slave, "w", buffering=1) as tty, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", tty)
        patch.setattr(sys, "stderr", tty)
        patch.setenv("TERM", term)
        patch.setenv("COLUMNS", "80")
        handler = logging.StreamHandler(tty)
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        try:
            yield screen
        finally:
            log.removeHandler(handler)
            log.setLevel(before)
            assert sys.stdout is sys.stderr is handler.stream is tty  # nothing stays redirected
    screen.end()
