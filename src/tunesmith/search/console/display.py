"""How a console shows what runs: a table below the printed lines, or now and then a line."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Protocol

from tunesmith.footer import Footer, terminal_of
from tunesmith.search.console.lines import say
from tunesmith.search.console.overview import Overview
from tunesmith.search.console.table import to_line, to_lines

# Between two tables, as long as one takes less than a hundredth of that; otherwise a hundred times as long, up to a
# bound: what takes long may do so once, as a first import does.
MIN_INTERVAL_S, MAX_INTERVAL_S, SHARE_OF_CPU = 1.0, 5.0, 0.01
# A pipe is silent for no longer: half a minute, less what a look at the study may be late.
SIGN_INTERVAL_S = 25.0

Look = Callable[[], Overview]


class Display(Protocol):
    """Shows what runs."""

    @property
    def is_table(self) -> bool:
        """Whether the best trial so far is always to be seen."""

    def show(self, look: Look) -> None:
        """Show what runs, if it is time to; look: gives the sweep as it is now, and is called only then."""

    def restore(self) -> None:
        """Show it again, if a line has taken its place."""

    def note_line(self) -> None:
        """Take in that a line has been printed."""

    def close(self) -> None:
        """Leave the console as it would be without what runs."""


class LiveTable:
    """A table of the running trials, which stays below the printed lines."""

    is_table = True

    def __init__(self, footer: Footer) -> None:
        self._footer = footer
        self._due = 0.0

    def show(self, look: Look) -> None:
        self.restore()  # first, because to look takes a while
        if time.monotonic() < self._due:
            return
        began = time.thread_time()
        self._footer.draw(to_lines(look(), *self._footer.size))
        self._due = time.monotonic() + interval_for(time.thread_time() - began)

    def restore(self) -> None:
        self._footer.restore()

    def note_line(self) -> None:
        return

    def close(self) -> None:
        self._footer.close()


class SignsOfLife:
    """A line if there has been none for a while."""

    is_table = False

    def __init__(self, interval_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval_s = interval_s
        self._clock = clock
        self._last = clock()

    def show(self, look: Look) -> None:
        if self._clock() - self._last >= self._interval_s:
            say(to_line(look()))
            self.note_line()

    def restore(self) -> None:
        return

    def note_line(self) -> None:
        self._last = self._clock()

    def close(self) -> None:
        return


def choose_display(is_live: bool) -> Display:
    """Return the table if that is wanted and this process prints to a terminal that can show it."""
    return (
        LiveTable(Footer(sys.stdout, sys.stderr))
        if is_live and terminal_of(sys.stdout)
        else SignsOfLife(SIGN_INTERVAL_S)
    )


def interval_for(cpu_seconds: float) -> float:
    """Return how long to wait after something that took so long."""
    return min(MAX_INTERVAL_S, max(MIN_INTERVAL_S, cpu_seconds / SHARE_OF_CPU))
