"""Schedules of the learning rate: by epoch or by step, and the warm-up."""

from __future__ import annotations

from functools import partial
from math import ceil, inf
from typing import TYPE_CHECKING, Any

import lightning as L
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LinearLR, OneCycleLR, ReduceLROnPlateau

from tunesmith.errors import UserError
from tunesmith.training.first_validation import irregular_flag

if TYPE_CHECKING:
    from tunesmith.training.learner import Supervised

# The learning rate of a warm-up's first step, as a fraction of the full one.
WARMUP_START = 1e-3
INTERVALS = ("epoch", "step")
# As the value of an argument of a schedule: how often the schedule moves in the whole run.
TOTAL_STEPS = "total_steps"


def make_schedules(learner: Supervised, optimizer: Optimizer) -> list[dict[str, Any]]:
    """Return Lightning's schedules: the warm-up if there is one, and the scheduler's.

    The scheduler's argument `interval` is taken out: step (after each step of the optimizer) or epoch, the default.
    """
    schedules: list[dict[str, Any]] = []
    if learner.warmup_epochs:
        warmup = LinearLR(optimizer, start_factor=WARMUP_START, total_iters=_warmup_steps(learner))
        schedules.append({"scheduler": warmup, "interval": "step"})
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
        total = _total_steps(learner, interval)
        arguments = {key: total if value == TOTAL_STEPS else value for key, value in arguments.items()}
    scheduler = make.func(optimizer, *make.args, **arguments) if isinstance(make, partial) else make(optimizer)
    if not hasattr(scheduler, "optimizer"):  # Lightning takes whatever looks like a schedule
        raise UserError(
            f"scheduler._target_ must make a schedule of torch.optim.lr_scheduler; got {type(scheduler).__name__}"
        )
    schedule = {"scheduler": scheduler, "interval": interval, "monitor": learner.monitor}
    if isinstance(scheduler, ReduceLROnPlateau):
        schedule["frequency"] = _epochs_of_plateau(learner)
    return [*schedules, schedule]


def check_lengths(trainer: L.Trainer) -> None:
    """Raise UserError if a schedule of known length, whoever made it, ends before the run: torch raises there."""
    for config in trainer.lr_scheduler_configs:
        if not isinstance(config.scheduler, OneCycleLR) or not trainer.lightning_module.automatic_optimization:
            continue
        total = _epochs(trainer) if config.interval == "epoch" else trainer.estimated_stepping_batches
        moves, length = total // config.frequency, config.scheduler.total_steps
        if inf > moves > length:
            unit = "epochs" if config.interval == "epoch" else "steps"
            raise UserError(
                f"scheduler.total_steps must be at least the {moves:.0f} {unit} of the run; got {length}: "
                f"total_steps={TOTAL_STEPS} stands for them"
            )


def _epochs_of_plateau(learner: Supervised) -> int:
    """Return after how many epochs a plateau schedule looks at its metric: a validation's is not there after each."""
    if learner._trainer is None or learner.monitor.startswith("train/"):
        return 1
    trainer = learner.trainer
    flag = irregular_flag(trainer)
    if flag is not None:
        raise UserError(
            f"{flag} leaves epochs without a validation, whose {learner.monitor} a plateau schedule follows: validate "
            "in each epoch, or choose scheduler=none"
        )
    return trainer.check_val_every_n_epoch or 1


def _of_groups(max_lr: float, optimizer: Optimizer) -> float | list[float]:
    """Return a largest learning rate per group of the optimizer; groups of a lower rate keep their share of it."""
    rates, base = [float(group["lr"]) for group in optimizer.param_groups], float(optimizer.defaults["lr"])
    return max_lr if set(rates) == {base} else [max_lr * rate / base for rate in rates]


def _total_steps(learner: Supervised, interval: str) -> int:
    """Return the optimizer's steps in the whole run, or its epochs if the schedule moves once an epoch."""
    trainer = learner.trainer
    total = _epochs(trainer) if interval == "epoch" else trainer.estimated_stepping_batches
    if total in (None, -1, inf):
        raise UserError(
            "scheduler: total_steps needs a run of known length: set trainer.max_epochs, and for a stream without a "
            "length trainer.limit_train_batches"
        )
    return int(total)


def _epochs(trainer: L.Trainer) -> float:
    """Return the epochs of a run, also if max_steps ends it; infinity if nobody knows."""
    limit = inf if trainer.max_epochs in (None, -1) else trainer.max_epochs
    if trainer.max_steps == -1:
        return limit
    trainer.fit_loop.setup_data()  # counts the batches
    if trainer.num_training_batches == inf:
        return 1
    return min(limit, ceil(trainer.max_steps / ceil(trainer.num_training_batches / trainer.accumulate_grad_batches)))


def _warmup_steps(learner: Supervised) -> int:
    """Return the optimizer's steps in the warm-up epochs; an epoch's last step may take fewer batches."""
    trainer = learner.trainer
    trainer.fit_loop.setup_data()  # counts the batches
    if trainer.num_training_batches == inf:
        raise UserError("warmup_epochs needs an epoch of known length: set trainer.limit_train_batches")
    return learner.warmup_epochs * ceil(trainer.num_training_batches / trainer.accumulate_grad_batches)
