"""A learner that notes when its batches begin and end, in whichever engine trains it, and what follows from that."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, median
from typing import Any, ClassVar

from torch import Tensor

from tunesmith.training.learner import Supervised


@dataclass(frozen=True)
class Mark:
    """A batch: when the learner's step began and ended, in seconds of a clock, and whether it was one of training."""

    is_training: bool
    begin: float
    end: float


class Timed(Supervised):
    """Supervised with a clock: two looks at it and an append, a microsecond a batch.

    clock: of wall or CPU time; CPU time (of all threads) is that of the work even if other processes take turns.
    """

    marks: ClassVar[list[Mark]] = []
    clock: ClassVar[Callable[[], float]] = time.perf_counter

    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor | None]:
        clock = Timed.clock
        begin = clock()
        found = super().step(batch)
        self.marks.append(Mark(self.training, begin, clock()))
        return found


class Timeline:
    """The batches of one training, in order; its first epoch is left out of all figures: it is slower.

    On a GPU a step has been asked for when it ends here, not computed; only whole_step counts there, because an epoch
    ends with a transfer of its metrics.
    """

    def __init__(self, marks: list[Mark]) -> None:
        """marks: of at least three epochs, each with training and validation batches."""
        begins = [i for i, mark in enumerate(marks) if mark.is_training and (i == 0 or not marks[i - 1].is_training)]
        self._epochs = [marks[i:j] for i, j in zip(begins, [*begins[1:], len(marks)], strict=True)][1:]

    def step(self) -> float:
        """Return the median milliseconds from the begin of a training step to the begin of the next one."""
        steps = [
            after.begin - mark.begin for epoch in self._epochs for mark, after in pairwise(epoch) if after.is_training
        ]
        return median(steps) * 1e3

    def whole_step(self) -> float:
        """Return milliseconds per training step of whole epochs: with validation and all that is kept of an epoch."""
        seconds = self._epochs[-1][0].begin - self._epochs[0][0].begin
        return seconds / sum(mark.is_training for epoch in self._epochs[:-1] for mark in epoch) * 1e3

    def between_epochs(self) -> list[float]:
        """Return the milliseconds from the end of each epoch's last validation step to the next epoch's first step."""
        return [(after[0].begin - epoch[-1].end) * 1e3 for epoch, after in pairwise(self._epochs)]

    def epoch(self) -> float:
        """Return the mean milliseconds of an epoch."""
        return mean((after[0].begin - epoch[0].begin) * 1e3 for epoch, after in pairwise(self._epochs))
