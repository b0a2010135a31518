"""Workers of a small study as forks of this process, which has imported what they need."""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field

from chaos.fates import Fate, draw_fate
from chaos.small_job import EPOCH_FILE
from chaos.small_study import SmallStudy

POLL_SECONDS = 0.002
# A study that trains no epoch for so long, however often its workers are killed, stands still.
STALL_SECONDS = 60.0
LOG_FILE = "console.log"


@dataclass
class Forks:
    """Keeps so many workers of a study alive, and kills them: one after the other, or all at once.

    seconds: between two kills, on average if one worker is killed.
    """

    study: SmallStudy
    n_workers: int
    seconds: float
    is_together: bool
    source: random.Random
    num_kills: int = 0
    broken: list[str] = field(default_factory=list)
    _pids: set[int] = field(default_factory=set)
    _is_over: bool = False

    def run(self) -> None:
        """Return when the study is over, or stands still; no worker is left then."""
        due, progress = self._next_kill(), self._progress()
        while not self._is_over:
            while len(self._pids) < self.n_workers:
                self._fork(self._draw_fate())
            if time.monotonic() >= due:
                self._kill()
                due = self._next_kill()
            time.sleep(POLL_SECONDS)
            self._reap()
            if next(progress) > STALL_SECONDS:
                self.broken.append(f"the study stands still: no epoch was trained for {STALL_SECONDS:g} s")
                break
        self._end()

    def _draw_fate(self) -> Fate:
        return Fate() if self.is_together else draw_fate(self.source)

    def _next_kill(self) -> float:
        return time.monotonic() + (self.seconds if self.is_together else self.source.expovariate(1 / self.seconds))

    def _fork(self, fate: Fate) -> None:
        if pid := os.fork():
            self._pids.add(pid)
            return
        code = 1
        try:
            log = os.open(self.study.folder / LOG_FILE, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            self.study.work(fate)
            code = 0
        except BaseException:
            traceback.print_exc()
        os._exit(code)

    def _kill(self) -> None:
        victims = sorted(self._pids) if self.is_together else [self.source.choice(sorted(self._pids))]
        for pid in victims:
            os.kill(pid, signal.SIGKILL)

    def _reap(self, flags: int = os.WNOHANG) -> None:
        """Take note of the workers that have ended."""
        for pid in list(self._pids):
            ended, status = os.waitpid(pid, flags)
            if not ended:
                continue
            self._pids.remove(pid)
            code = os.waitstatus_to_exitcode(status)
            self.num_kills += code == -signal.SIGKILL
            self._is_over |= code == 0
            if code > 0:
                self.broken.append(f"a worker ended with exit code {code}: {self._last_line()}")

    def _last_line(self) -> str:
        return (self.study.folder / LOG_FILE).read_text(errors="replace").splitlines()[-1]

    def _progress(self) -> Iterator[float]:
        """Yield for how many seconds no epoch has been trained."""
        epochs, since, looked = {}, time.monotonic(), 0.0
        while True:
            if time.monotonic() - looked > 1.0:
                looked = time.monotonic()
                now = {path: path.read_text() for path in self.study.folder.glob(f"*/{EPOCH_FILE}")}
                epochs, since = now, since if now == epochs else looked
            yield time.monotonic() - since

    def _end(self) -> None:
        """Let the workers come to their end; then the same command once more, which ends what kills have left."""
        if not self._is_over:
            for pid in self._pids:
                os.kill(pid, signal.SIGKILL)
            self._reap(flags=0)
            return
        self._reap(flags=0)
        self._fork(Fate())
        self._reap(flags=0)
