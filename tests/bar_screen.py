"""A terminal that this process prints to, and what was drawn in it."""

from __future__ import annotations

import logging
import os
import pty
import re
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from emulator import Screen

WIDTH, HEIGHT = 200, 40


class Printed:
    """Keeps all that is written to a pseudo-terminal, until its other end is closed."""

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
        """Wait for the last of it."""
        self._reader.join()
        os.close(self._master)

    @property
    def text(self) -> str:
        return self._written.decode()

    @property
    def lines(self) -> list[str]:
        """What stands in the terminal, and what has scrolled away."""
        screen = Screen(WIDTH, HEIGHT)
        screen.feed(self.text)
        return screen.text.split("\n")

    @property
    def bars(self) -> list[str]:
        """All that was drawn below the lines, in its order."""
        return re.findall(r"\x1b\[\?7l\r+\n([^\x1b]*)\x1b8", self.text)


@contextmanager
def printed_to_terminal(monkeypatch: pytest.MonkeyPatch, term: str = "xterm") -> Iterator[Printed]:
    """Let stdout and stderr be a terminal, and tunesmith's log go there too."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (HEIGHT, WIDTH))
    printed = Printed(master)
    log, before = logging.getLogger("tunesmith"), logging.getLogger("tunesmith").level
    with os.fdopen(slave, "w", encoding="utf-8", buffering=1) as tty, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", tty)
        patch.setattr(sys, "stderr", tty)
        patch.setenv("TERM", term)
        handler = logging.StreamHandler(tty)
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        try:
            yield printed
        finally:
            log.removeHandler(handler)
            log.setLevel(before)
            assert sys.stdout is sys.stderr is handler.stream is tty  # nothing stays redirected
            assert "write" not in vars(tty)
    printed.end()
