"""Lines that stay below what is printed to a terminal, whoever prints it."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TextIO

# Codes of a terminal (ECMA-48, DEC VT100): erase all behind the cursor; down by a line in the same column, scrolling
# at the bottom (ESC [ n A moves up by n lines); remember and recall where the cursor stands; cut long lines off instead
# of wrapping them.
_ERASE, _DOWN, _REMEMBER, _RECALL, _CUT, _WRAP = "\x1b[J", "\x1bD", "\x1b7", "\x1b8", "\x1b[?7l", "\x1b[?7h"
# Between two times that a printed line has the footer drawn again: a job may print thousands of lines a second.
REDRAW_INTERVAL_S = 0.05


def terminal_of(stream: TextIO) -> bool:
    """Whether a stream is a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")


def clock(seconds: float) -> str:
    """Return a time as such lines show it: 0:09, 12:05, 1:00:00."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def end_echo() -> None:
    """Begin a line behind the "^C" with which a terminal answers Ctrl-C; safe in a signal's handler."""
    if terminal_of(sys.stdout):
        os.write(sys.stdout.fileno(), b"\n")


class Footer:
    """Lines below the last printed one.

    The cursor stays where it would be without them, and they are drawn below it. So what comes from a library in C, a
    fork, or the echo of a key, of which this class knows nothing, is printed above them all the same; a resized
    terminal leaves nothing behind; and the cursor, never hidden, needs no mending, whatever ends the process. What
    Python prints erases them first. What others print in several lines at once may leave pieces of them behind.
    """

    def __init__(self, terminal: TextIO, *others: TextIO) -> None:
        """others: streams that may print to the same terminal."""
        self._file = terminal.fileno()
        self._encoding = terminal.encoding or "utf-8"
        self._streams = [terminal, *(stream for stream in others if stream.isatty())]
        self._process = os.getpid()
        self._lock = threading.RLock()  # a signal's handler may print while this thread does
        self._shown = b""
        self._drawn_at = 0.0
        self._is_drawn = False
        self._is_open = True
        for stream in self._streams:  # loggers hold the very objects, from before and for later
            vars(stream)["write"] = self._printing(stream, stream.write)

    @property
    def size(self) -> os.terminal_size:
        """Columns and lines of the terminal."""
        try:
            return os.get_terminal_size(self._file)
        except OSError:
            return os.terminal_size((80, 24))

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines instead of those before; a terminal that is lower shows the first ones."""
        shown = lines[: max(1, self.size.lines - 2)]
        room = _DOWN * len(shown) + f"\x1b[{len(shown)}A"
        text = _ERASE + room + _REMEMBER + _CUT + "".join(f"\r\n{line}" for line in shown) + _RECALL + _WRAP
        with self._lock:
            self._shown = text.encode(self._encoding, "backslashreplace")
            self._put()

    def restore(self) -> None:
        """Show the lines again if something has been printed meanwhile."""
        with self._lock:
            if not self._is_drawn and self._shown:
                self._put()

    def close(self) -> None:
        """Erase the lines, for good."""
        with self._lock:
            self._erase()
            self._is_open = False
            for stream in self._streams:
                vars(stream).pop("write", None)

    def _printing(self, stream: TextIO, write: Callable[[str], int]) -> Callable[[str], int]:
        """Return a stream's write that first makes room."""

        def write_above(text: str) -> int:
            if os.getpid() != self._process:  # a fork, which knows neither what is shown by now nor who holds the lock
                return write(_ERASE + text if stream.isatty() else text)
            with self._lock:
                self._erase()
                written = write(text)
                if text.endswith("\n") and time.monotonic() - self._drawn_at > REDRAW_INTERVAL_S:
                    self.restore()
            return written

        return write_above

    def _put(self) -> None:
        if not self._is_open or not self._is_in_foreground():
            return
        for stream in self._streams:
            stream.flush()
        self._is_drawn, self._drawn_at = True, time.monotonic()  # first: a signal's handler may print before the end
        self._send(self._shown)

    def _erase(self) -> None:
        if self._is_drawn:
            self._send(_ERASE.encode())
            self._is_drawn = False

    def _send(self, text: bytes) -> None:
        try:
            os.write(self._file, text)
        except OSError:  # the terminal has gone
            self._is_open = False

    def _is_in_foreground(self) -> bool:
        """Whether the terminal is this process's, and not that of a shell that has put it into the background."""
        try:
            return os.tcgetpgrp(self._file) == os.getpgrp()
        except OSError:  # it controls no process, as in some containers
            return True
