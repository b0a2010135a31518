"""How long trials have shown no progress, on the watcher's own clock; none of them is stale for that."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

# After so long a line says that a trial shows no progress, and again whenever that time has doubled.
SILENCE_S = 300.0


@dataclass
class _Seen:
    progress: Hashable
    since: float
    next_line_s: float


class Silences:
    """Watches a sign of progress of each trial: what it is does not matter, only whether it changes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[int, _Seen] = {}

    def worth_telling(self, number: int, progress: Hashable) -> float | None:
        """Note a trial's sign of progress; return for how many seconds it has not changed if a line is due now.

        A download, a compilation or a job that reports nothing may be silent for hours: the lines become fewer.
        """
        now = self._clock()
        seen = self._seen.get(number)
        if seen is None or seen.progress != progress:
            self._seen[number] = _Seen(progress, now, SILENCE_S)
            return None
        seconds = now - seen.since
        if seconds < seen.next_line_s:
            return None
        seen.next_line_s = 2 * seconds
        return seconds

    def forget(self, number: int) -> None:
        self._seen.pop(number, None)


def in_minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min"
