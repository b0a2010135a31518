"""A bar over a whole run, at the foot of a terminal."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from omegaconf import DictConfig

from tunesmith.footer import Footer, clock, terminal_of
from tunesmith.reporting import is_trial

# Between two drawings, each of 20 us.
DRAW_INTERVAL_S = 0.25
# How long batches may go on, and how many of them, without a look at the clock.
LOOK_INTERVAL_S, MAX_UNSEEN = 0.05, 100
# An epoch that takes longer shows its batches.
LONG_EPOCH_S = 2.0
# Before there is an estimate of the time that is left.
LEAST_SECONDS = 2.0
_WIDEST = 40


class Foot(Protocol):
    """Where a bar is drawn: a Footer."""

    @property
    def size(self) -> os.terminal_size:
        """Columns and lines."""

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines instead of those before."""

    def close(self) -> None:
        """Erase the lines, for good."""


class RunBar:
    """Shows how far a run is, and how long it may still take; what is printed meanwhile goes above it.

    A training calls start, then step after each batch, end_epoch after each epoch, and validate before a validation.
    It is drawn by these calls alone: no thread costs time, or holds a lock, while the run does something else.
    """

    def __init__(
        self, make_foot: Callable[[], Foot], encoding: str = "utf-8", fold: int | None = None, n_folds: int = 1
    ) -> None:
        """fold: from 0, if the run trains on n_folds folds one after the other; encoding: of the terminal."""
        self._make_foot = make_foot
        self._foot: Foot | None = None
        self._encoding = encoding
        self._fold = fold
        self._n_folds = n_folds
        self._name = ""
        self._epoch = self._batch = self._look_at = self._seen_batch = 0
        self._n_epochs: int | None = None
        self._n_batches = math.inf
        self._ends_earlier = False
        self._is_validating = False
        self._began = self._seen = self._epoch_began = time.monotonic()
        self._next_draw = math.inf
        self._longest = 0.0
        self._done_before = 0.0

    def __enter__(self) -> RunBar:
        self._foot = self._make_foot()
        return self

    def __exit__(self, *error: object) -> None:
        if self._foot is not None:
            self._foot.close()
        self._foot = None

    def start(
        self, epoch: int, n_epochs: int | None, n_batches: float, ends_earlier: bool = False, name: str = ""
    ) -> None:
        """Begin after `epoch` epochs of an earlier attempt, 0 if there is none.

        n_epochs: None if nobody knows it; n_batches: of an epoch, inf if nobody knows it; ends_earlier: whether
        something may end the run before its last epoch; name: of what has steps alone, in place of batches.
        """
        self._name = name
        self._epoch, self._n_epochs, self._n_batches = epoch, n_epochs, n_batches
        self._ends_earlier = ends_earlier
        self._began = self._seen = self._epoch_began = self._next_draw = time.monotonic()
        self._done_before = self._done() or 0.0
        self._draw_if_due()

    def step(self) -> None:
        """Count a batch, and draw the bar if that is due."""
        self._batch += 1
        if self._batch >= self._look_at:
            self._look()

    def validate(self, is_validating: bool = True) -> None:
        """Begin a validation, or end it."""
        self._is_validating = is_validating
        self._draw_if_due()

    def end_epoch(self) -> None:
        now = time.monotonic()
        self._longest = max(self._longest, now - self._epoch_began)
        self._epoch += 1
        self._batch = self._look_at = self._seen_batch = 0
        self._seen = self._epoch_began = now
        self._is_validating = False
        self._draw_if_due()

    def _look(self) -> None:
        """Look at the clock; the next look comes after as many batches as now take LOOK_INTERVAL_S."""
        now, num = time.monotonic(), self._batch - self._seen_batch
        pace = num * LOOK_INTERVAL_S / max(now - self._seen, 1e-6)
        self._look_at = self._batch + max(1, min(int(pace), MAX_UNSEEN))
        self._seen, self._seen_batch = now, self._batch
        self._draw_if_due()

    def _draw_if_due(self) -> None:
        now = time.monotonic()
        if self._foot is not None and now >= self._next_draw:
            self._foot.draw([self._line(now, self._foot.size.columns)])
            self._next_draw = now + DRAW_INTERVAL_S

    def _line(self, now: float, width: int) -> str:
        """Return the bar; width: of the terminal."""
        begin, end = "  ".join(self._where(now)), "  ".join(self._left(now))
        done = self._done()
        room = min(_WIDEST, width - len(begin) - len(end) - 4)
        bar = "" if done is None or room < 5 else self._drawn(done, room)
        return "  ".join(filter(None, (begin, bar, end)))[:width]

    def _where(self, now: float) -> Iterator[str]:
        if self._fold is not None:
            yield f"fold {self._fold + 1}/{self._n_folds}"
        epoch, n_epochs = self._epoch + 1, self._n_epochs
        yield self._name or (f"epoch {epoch}" if n_epochs is None else f"epoch {min(epoch, n_epochs)}/{n_epochs}")
        if self._is_validating:
            yield "validation"
        elif self._name or max(self._longest, now - self._epoch_began) > LONG_EPOCH_S:
            of = "" if self._n_batches == math.inf else f"/{self._n_batches:.0f}"
            yield f"{'step' if self._name else 'batch'} {self._batch}{of}"

    def _left(self, now: float) -> Iterator[str]:
        """Yield how much is done and how long the rest takes, at the pace of all that this process has trained."""
        done, seconds = self._done(), now - self._began
        if done is None:
            yield f"{clock(seconds)} so far"
            return
        yield f"{done:.0%}"
        trained = done - self._done_before
        if seconds >= LEAST_SECONDS and trained > 0:
            yield f"{'at most ' * self._ends_earlier}{clock(seconds * (1 - done) / trained)} left"

    def _done(self) -> float | None:
        """Return which share of the run is done, of all folds; None if nobody knows how long it is."""
        if self._n_epochs is None:
            return None
        of_epoch = 0.0 if self._n_batches == math.inf else min(1.0, self._batch / max(1, self._n_batches))
        of_fold = min(1.0, (self._epoch + of_epoch) / self._n_epochs)
        return ((self._fold or 0) + of_fold) / self._n_folds

    def _drawn(self, done: float, width: int) -> str:
        is_plain = "utf" not in self._encoding.lower()
        full, empty = ("#", ".") if is_plain else ("━", "─")
        return full * int(done * width) + empty * (width - int(done * width))


def make_bar(cfg: DictConfig, fold: int | None = None) -> RunBar | None:
    """Return the bar of a training, None if it has none: a sweep's trial, a pipe, enable_progress_bar=false.

    The other ranks of a run on several devices print nowhere.
    """
    if is_trial() or not terminal_of(sys.stdout) or cfg.trainer.get("enable_progress_bar") is False:
        return None
    encoding = sys.stdout.encoding or "utf-8"
    return RunBar(lambda: Footer(sys.stdout, sys.stderr), encoding, fold, 1 if fold is None else cfg.data.folds)
