"""Ends of a worker that no kill from outside meets in a thousand tries: between two lines of code, within a write."""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import tunesmith.search

_SEARCH = str(Path(tunesmith.search.__file__).parent)
_WRITES = {"pwrite", "write"}
# A trial takes some thousand calls, and a dozen writes.
MIN_CALLS = 300
MAX_CALLS = 60_000
MAX_WRITES = 60


@dataclass(frozen=True)
class Fate:
    """When a worker kills itself, None: only others kill it.

    call: at which call or return of the search's functions; write: in which write to the journal, after so many bytes.
    """

    call: int | None = None
    write: int | None = None
    num_bytes: int = 0

    def begin(self, journal: Path) -> None:
        """Count from now on, in this thread."""
        if self.call is not None:
            sys.setprofile(self._at_call())
        elif self.write is not None:
            sys.setprofile(self._in_write(journal))

    def _at_call(self) -> Any:
        left = self.call

        def count(frame: FrameType, event: str, called: Any) -> None:
            nonlocal left
            if frame.f_code.co_filename.startswith(_SEARCH):
                left -= 1
                if left <= 0:
                    kill_this_process()

        return count

    def _in_write(self, journal: Path) -> Any:
        """The kernel cuts the write: no file of this process may become longer than the journal and some bytes."""
        left = self.write

        def count(frame: FrameType, event: str, called: Any) -> None:
            nonlocal left
            if not frame.f_code.co_filename.startswith(_SEARCH):
                return
            if event == "c_call" and called.__name__ in _WRITES:
                left -= 1
                if left == 0:
                    size = journal.stat().st_size + self.num_bytes
                    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            elif left <= 0:
                kill_this_process()

        return count


def draw_fate(source: random.Random) -> Fate:
    """Draw how a worker ends: by others, at a call or in a write."""
    kind, share = source.random(), source.random()
    if kind < 0.4:
        return Fate()
    if kind < 0.8:
        return Fate(call=round(MIN_CALLS * (MAX_CALLS / MIN_CALLS) ** share))
    return Fate(write=1 + int(MAX_WRITES * share), num_bytes=source.randrange(1, 60))


def kill_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
