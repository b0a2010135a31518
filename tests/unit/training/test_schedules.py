"""A schedule by epoch or by step, and the number of steps of the whole run."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lightning as L
import pytest
import torch
from tiny import NUMBERS, LearningRates, fit
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, OneCycleLR, ReduceLROnPlateau

from tunesmith.data.splits import Split
from tunesmith.errors import UserError
from tunesmith.objective import Objective
from tunesmith.reporting import NoReporter
from tunesmith.training.callbacks.epoch_record import EpochRecord
from tunesmith.training.learner import Supervised
from tunesmith.training.losses import AutoLoss
from tunesmith.training.record import RunRecord
from tunesmith.training.schedules import PlainLength, Schedule, check_lengths, make_schedules
from tunesmith.training.supervised import SupervisedLearning

LR = 0.1


def rates_of(scheduler: Any, is_recorded: bool = False, **flags: Any) -> list[float]:
    """The learning rate of each step of two epochs of three batches; is_recorded: as a run of ours is."""
    torch.manual_seed(0)
    module = Supervised(NUMBERS, nn.Linear(4, 1), AutoLoss(), partial(SGD, lr=LR), scheduler)
    rates = LearningRates()
    with TemporaryDirectory() as folder:
        record = [EpochRecord(RunRecord(Path(folder), Objective("val/loss", "min"), NoReporter()))] * is_recorded
        part = Split(torch.randn(12, 4), torch.randn(12))
        fit(module, part, 4, rates, *record, **{"max_epochs": 2, **flags})
    return rates.seen


def by_hand(steps: int) -> list[float]:
    optimizer = SGD([nn.Parameter(torch.ones(1))], lr=LR)
    schedule, rates = OneCycleLR(optimizer, max_lr=LR, total_steps=steps), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


ONE_CYCLE = partial(OneCycleLR, max_lr=LR, total_steps="total_steps", interval="step")


def test_a_schedule_by_step_knows_the_steps_of_the_run() -> None:
    assert rates_of(ONE_CYCLE) == pytest.approx(by_hand(6))


def test_steps_are_those_of_the_optimizer() -> None:
    rates = rates_of(ONE_CYCLE, accumulate_grad_batches=3)
    assert [rates[0], rates[3]] == pytest.approx(by_hand(2))


def test_a_schedule_by_epoch_knows_the_epochs_of_the_run() -> None:
    cosine = partial(CosineAnnealingLR, T_max="total_steps")
    expected = [LR * (1 + math.cos(math.pi * epoch / 4)) / 2 for epoch in range(4)]
    assert rates_of(cosine, max_epochs=4)[::3] == pytest.approx(expected)


def test_max_steps_ends_the_run_and_the_schedule() -> None:
    assert rates_of(ONE_CYCLE, max_epochs=9, max_steps=5) == pytest.approx(by_hand(5))


@pytest.mark.parametrize(("interval", "expected"), [("epoch", [1, 1, 1, 0.75, 0.75, 0.75]), ("step", [1, 0.75, 0.5])])
def test_the_interval_is_taken_out_of_the_arguments(interval: str, expected: list[float]) -> None:
    linear = partial(LinearLR, start_factor=1.0, end_factor=0.5, total_iters=2, interval=interval)
    assert rates_of(linear)[: len(expected)] == pytest.approx([LR * factor for factor in expected])


def test_another_interval_is_refused() -> None:
    with pytest.raises(UserError, match=r"^scheduler\.interval must be one of epoch, step; got 'batch'$"):
        rates_of(partial(LinearLR, interval="batch"))


class TwoRates(nn.Linear):
    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        return [{"params": [self.weight], "lr": lr / 10}, {"params": [self.bias]}]


class RatesOfGroups(LearningRates):
    """Notes the learning rate of each group at each step."""

    def on_train_batch_start(self, trainer: L.Trainer, *args: object) -> None:
        self.seen += [group["lr"] for group in trainer.optimizers[0].param_groups]


def test_one_cycle_leaves_a_group_its_lower_rate() -> None:
    module = Supervised(NUMBERS, TwoRates(4, 1), AutoLoss(), partial(SGD, lr=LR), ONE_CYCLE)
    rates = RatesOfGroups()
    fit(module, Split(torch.randn(12, 4), torch.randn(12)), 4, rates, max_epochs=2)
    assert rates.seen[1::2] == pytest.approx(by_hand(6))
    assert rates.seen[0::2] == pytest.approx([rate / 10 for rate in by_hand(6)])


def test_a_plateau_is_judged_once_an_epoch() -> None:
    with pytest.raises(UserError, match=r"^scheduler\.interval must be epoch for a plateau schedule, .*; got 'step'$"):
        rates_of(partial(ReduceLROnPlateau, interval="step"))


# lengths


@pytest.mark.parametrize(
    ("schedule", "flags", "line"),
    [
        (partial(OneCycleLR, max_lr=LR, total_steps=5, interval="step"), {}, "the 6 steps of the run; got 5"),
        (
            partial(OneCycleLR, max_lr=LR, epochs=1, steps_per_epoch=3, interval="step"),
            {"max_epochs": 9, "max_steps": 4},
            "the 4 steps of the run; got 3",
        ),
        (partial(OneCycleLR, max_lr=LR, total_steps=2), {"max_epochs": 3}, "the 3 epochs of the run; got 2"),
    ],
    ids=["steps", "max_steps", "epochs"],
)
@pytest.mark.filterwarnings("ignore:A `OneCycleLR` scheduler is using 'interval'")
def test_a_schedule_that_ends_before_the_run_is_refused(schedule: Any, flags: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError, match=rf"^scheduler\.total_steps must be at least {line}"):
        rates_of(schedule, is_recorded=True, **flags)


@pytest.mark.parametrize(
    ("flags", "steps"),
    [({}, 6), ({"accumulate_grad_batches": 3}, 2), ({"max_epochs": 9, "max_steps": 4}, 4)],
    ids=["steps", "accumulated", "max_steps"],
)
def test_a_schedule_as_long_as_the_run_is_not(flags: dict[str, Any], steps: int) -> None:
    one_cycle = partial(OneCycleLR, max_lr=LR, total_steps=steps, interval="step")
    assert rates_of(one_cycle, is_recorded=True, **flags)[0] == pytest.approx(by_hand(steps)[0])


@pytest.mark.parametrize(("flags", "epochs"), [({}, 9), ({"max_steps": 12}, 4), ({"max_steps": 10}, 4)])
def test_a_schedule_by_epoch_ends_with_max_steps(flags: dict[str, Any], epochs: int) -> None:
    cosine = partial(CosineAnnealingLR, T_max="total_steps")
    rates = rates_of(cosine, max_epochs=9, **flags)
    assert rates[3] == pytest.approx(LR * (1 + math.cos(math.pi / epochs)) / 2)


# a plateau follows validations

NEVER_BETTER = partial(ReduceLROnPlateau, mode="max", factor=0.5, patience=0, threshold=1e9)


def test_a_plateau_looks_at_the_epochs_that_are_validated() -> None:
    rates = rates_of(NEVER_BETTER, max_epochs=7, check_val_every_n_epoch=2)
    assert rates[::3] == pytest.approx([LR] * 4 + [LR / 2] * 2 + [LR / 4])


def test_a_plateau_is_refused_if_epochs_are_without_a_validation() -> None:
    with pytest.raises(UserError, match=r"^trainer\.val_check_interval=4 leaves epochs without a validation"):
        rates_of(NEVER_BETTER, val_check_interval=4, check_val_every_n_epoch=None)


# without a Trainer


def made(scheduler: Any, length: PlainLength, **arguments: Any) -> list[Schedule]:
    module = SupervisedLearning(NUMBERS, nn.Linear(4, 1), AutoLoss(), partial(SGD, lr=LR), scheduler, **arguments)
    return make_schedules(module, module.build_optimizer(), length)


def test_a_plain_length_gives_the_same_schedules() -> None:
    length = PlainLength(epochs=2, epoch_steps=3)
    (one_cycle,) = made(ONE_CYCLE, length)
    assert (one_cycle.interval, one_cycle.frequency) == ("step", 1)
    assert one_cycle.scheduler.total_steps == 6  # type: ignore[attr-defined]
    (cosine,) = made(partial(CosineAnnealingLR, T_max="total_steps"), length)
    assert (cosine.interval, cosine.scheduler.T_max) == ("epoch", 2)  # type: ignore[attr-defined]


def test_a_warm_up_of_a_plain_length_moves_by_step() -> None:
    warmup, plateau = made(ReduceLROnPlateau, PlainLength(epochs=9, epoch_steps=3), warmup_epochs=2)
    assert (warmup.interval, warmup.scheduler.total_iters) == ("step", 6)  # type: ignore[attr-defined]
    assert (plateau.interval, plateau.frequency, plateau.monitor) == ("epoch", 1, "val/loss")


def test_total_steps_need_a_run_of_known_length() -> None:
    with pytest.raises(UserError, match=r"^scheduler: total_steps needs a run of known length: set trainer"):
        made(ONE_CYCLE, PlainLength(epochs=math.inf, epoch_steps=3))


def test_a_schedule_that_ends_before_a_plain_run_is_refused() -> None:
    length = PlainLength(epochs=2, epoch_steps=3)
    schedules = made(partial(OneCycleLR, max_lr=LR, total_steps=5, interval="step"), length)
    with pytest.raises(UserError, match=r"^scheduler\.total_steps must be at least the 6 steps of the run; got 5"):
        check_lengths(schedules, length)
    check_lengths(schedules, PlainLength(epochs=1, epoch_steps=5))
