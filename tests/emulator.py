"""What a terminal shows: a screen that obeys the codes that our commands send, and commands whose terminal it is."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import subprocess
import sys
import termios
import threading
import time
from contextlib import suppress

from conftest import Shell, let_ctrl_c_end

# Down by a line, remember, recall; what begins with ESC [; a character.
_CODES = re.compile(r"\x1b[D78]|\x1b\[(\??\d*)([A-Za-z])|[^\x1b]", re.DOTALL)
# What a test waits for, at most.
PATIENCE_S = 90


class Screen:
    """Lines of characters, the cursor, and what has left at the top."""

    def __init__(self, width: int = 80, height: int = 24) -> None:
        self.width, self.height = width, height
        self.scrolled: list[str] = []
        self.is_cursor_hidden = False
        self._lines = [""] * height
        self._row = self._column = 0
        self._kept = (0, 0)
        self._wraps = True

    @property
    def text(self) -> str:
        """All lines, those that have scrolled away first; no empty ones at the end."""
        return "\n".join(line.rstrip() for line in [*self.scrolled, *self._lines]).rstrip()

    @property
    def shown(self) -> list[str]:
        """The lines that can be seen; no empty ones at the end."""
        return "\n".join(line.rstrip() for line in self._lines).rstrip().split("\n")

    def feed(self, text: str) -> None:
        for code in _CODES.finditer(text):
            argument, letter = code.groups()
            if letter is not None:
                self._control(argument, letter)
            elif code[0].startswith("\x1b"):
                self._move(code[0][1])
            else:
                self._put(code[0])

    def _control(self, argument: str, letter: str) -> None:
        if letter == "A":
            self._row = max(0, self._row - int(argument or 1))
        elif letter == "J":
            self._lines[self._row] = self._lines[self._row][: self._column]
            self._lines[self._row + 1 :] = [""] * (self.height - self._row - 1)
        elif argument == "?7":
            self._wraps = letter == "h"
        elif argument == "?25":
            self.is_cursor_hidden = letter == "l"
        else:
            assert letter == "m", f"a code that this screen does not know: {argument}{letter}"

    def _move(self, code: str) -> None:
        if code == "D":
            self._down()
        elif code == "7":
            self._kept = (self._row, self._column)
        else:
            self._row, self._column = self._kept

    def _put(self, letter: str) -> None:
        if letter == "\r":
            self._column = 0
        elif letter == "\n":
            self._down()
        else:
            if self._column == self.width and self._wraps:
                self._column = 0
                self._down()
            self._column = min(self._column, self.width - 1)
            line = self._lines[self._row].ljust(self._column)
            self._lines[self._row] = line[: self._column] + letter + line[self._column + 1 :]
            self._column += 1

    def _down(self) -> None:
        if self._row < self.height - 1:
            self._row += 1
            return
        self.scrolled.append(self._lines.pop(0))
        self._lines.append("")


class TerminalCommand:
    """A Python command that runs in a terminal of its own."""

    def __init__(self, shell: Shell, *arguments: str, width: int = 80, height: int = 24) -> None:
        self.screen = Screen(width, height)
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (height, width))
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=shell.folder,
            env={**shell.env, "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def wait_for(self, *texts: str) -> None:
        """Wait until the screen shows all of these texts at once."""
        until = time.monotonic() + PATIENCE_S
        while not all(text in self.screen.text for text in texts):
            if time.monotonic() > until or self.process.poll() is not None:
                self.process.kill()
                raise AssertionError(f"waited in vain for {texts}:\n{self.screen.text}")
            time.sleep(0.02)

    def ended(self) -> int:
        """Wait for the end; return the exit code."""
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self._reader.join(PATIENCE_S)
        os.close(self._ours)
        return code

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with suppress(OSError):  # the last process has closed the terminal
            while received := os.read(self._ours, 65536):
                self.screen.feed(decoder.decode(received))


def _take_terminal() -> None:
    """Make the new session's terminal its own, whose Ctrl-C it gets."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    let_ctrl_c_end()
