"""Schedules of the learning rate: by epoch or by step, and the warm-up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Protocol

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LinearLR, LRScheduler, OneCycleLR, ReduceLROnPlateau

from tunesmith.errors import UserError

if TYPE_CHECKING:
    from lightning.pytorch.utilities.types import LRSchedulerConfig

    from tunesmith.training.supervised import SupervisedLearning

# The learning rate of a warm-up's first step, as a fraction of the full one.
WARMUP_START = 1e-3
INTERVALS = ("epoch", "step")
# As the value of an argument of a schedule: how often the schedule moves in the whole run.
TOTAL_STEPS = "total_steps"


class RunLength(Protocol):
    """How long a run is; infinity if nobody knows."""

    @property
    def epochs(self) -> float:
        """Epochs of the run, also if max_steps ends it."""

    @property
    def steps(self) -> float:
        """The optimizer's steps in the whole run."""

    @property
    def epoch_steps(self) -> float:
        """The optimizer's steps in an epoch, whose last one may take fewer batches."""

    def epochs_between(self, metric: str) -> int:
        """Return after how many epochs a metric is there again: a validation's may not be there after each."""


@dataclass(frozen=True)
class PlainLength:
    """The length of a run of so many epochs, all of them of so many steps and with a validation."""

    epochs: float
    epoch_steps: int

    @property
    def steps(self) -> float:
        return self.epochs * self.epoch_steps

    def epochs_between(self, metric: str) -> int:
        return 1


@dataclass(frozen=True)
class Schedule:
    """A schedule of torch's, with the names of Lightning's LRSchedulerConfig.

    interval: it moves after each step of the optimizer, or each epoch; frequency: each so many of them.
    monitor: the metric that a plateau schedule follows.
    """

    scheduler: LRScheduler
    interval: str = "epoch"
    frequency: int = 1
    monitor: str | None = None


def make_schedules(learner: SupervisedLearning, optimizer: Optimizer, length: RunLength) -> list[Schedule]:
    """Return the warm-up if there is one, and the scheduler's schedule.

    The scheduler's argument `interval` is taken out: step (after each step of the optimizer) or epoch, the default.
    """
    schedules: list[Schedule] = []
    if learner.warmup_epochs:
        warmup = LinearLR(
            optimizer, start_factor=WARMUP_START, total_iters=learner.warmup_epochs * _epoch_steps(length)
        )
        schedules.append(Schedule(warmup, "step"))
    make = learner.make_scheduler
    if make is None:
        return schedules
    arguments = dict(make.keywords) if isinstance(make, partial) else {}
    interval = arguments.pop("interval", "epoch")
    if interval not in INTERVALS:
        raise UserError(f"scheduler.interval must be one of {', '.join(INTERVALS)}; got '{interval}'")
    if interval == "step" and isinstance(make, partial) and make.func is ReduceLROnPlateau:
        raise UserError(
            "scheduler.interval must be epoch for a plateau schedule, whose metric an epoch has; got 'step'"
        )
    if isinstance(arguments.get("max_lr"), int | float):
        arguments["max_lr"] = _of_groups(arguments["max_lr"], optimizer)
    if TOTAL_STEPS in arguments.values():
        total = _total_steps(length, interval)
        arguments = {key: total if value == TOTAL_STEPS else value for key, value in arguments.items()}
    scheduler = make.func(optimizer, *make.args, **arguments) if isinstance(make, partial) else make(optimizer)
    if not hasattr(scheduler, "optimizer"):  # Lightning takes whatever looks like a schedule
        raise UserError(
            f"scheduler._target_ must make a schedule of torch.optim.lr_scheduler; got {type(scheduler).__name__}"
        )
    every = length.epochs_between(learner.monitor) if isinstance(scheduler, ReduceLROnPlateau) else 1
    return [*schedules, Schedule(scheduler, interval, every, learner.monitor)]


def check_lengths(schedules: Iterable[Schedule | LRSchedulerConfig], length: RunLength) -> None:
    """Raise UserError if a schedule of known length, whoever made it, ends before the run: torch raises there."""
    for each in schedules:
        if not isinstance(each.scheduler, OneCycleLR):
            continue
        total = length.epochs if each.interval == "epoch" else length.steps
        moves, most = total // each.frequency, each.scheduler.total_steps
        if inf > moves > most:
            unit = "epochs" if each.interval == "epoch" else "steps"
            raise UserError(
                f"scheduler.total_steps must be at least the {moves:.0f} {unit} of the run; got {most}: "
                f"total_steps={TOTAL_STEPS} stands for them"
            )


def _of_groups(max_lr: float, optimizer: Optimizer) -> float | list[float]:
    """Return a largest learning rate per group of the optimizer; groups of a lower rate keep their share of it."""
    rates, base = [float(group["lr"]) for group in optimizer.param_groups], float(optimizer.defaults["lr"])
    return max_lr if set(rates) == {base} else [max_lr * rate / base for rate in rates]


def _total_steps(length: RunLength, interval: str) -> int:
    """Return the optimizer's steps in the whole run, or its epochs if the schedule moves once an epoch."""
    total = length.epochs if interval == "epoch" else length.steps
    if total == inf:
        raise UserError(
            "scheduler: total_steps needs a run of known length: set trainer.max_epochs, and for a stream without a "
            "length trainer.limit_train_batches"
        )
    return int(total)


def _epoch_steps(length: RunLength) -> int:
    steps = length.epoch_steps
    if steps == inf:
        raise UserError("warmup_epochs needs an epoch of known length: set trainer.limit_train_batches")
    return int(steps)
