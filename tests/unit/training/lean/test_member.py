"""One training of the lean engine: its step, its schedules and what it reads of an epoch."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
import torch
from tiny_member import NUM_BATCHES, batches, member
from torch.optim.lr_scheduler import ExponentialLR, OneCycleLR, ReduceLROnPlateau

from tunesmith.errors import UserError
from tunesmith.training.lean.epoch import train_epoch
from tunesmith.training.lean.member import Member, make_clip

BATCHES = list(batches())


def lr(trained: Member) -> float:
    return float(trained.optimizer.param_groups[0]["lr"])


def test_a_step_is_that_of_gradient_descent(tmp_path: Path) -> None:
    trained = member(tmp_path)
    trained.learner.start_part("train")
    for number in range(3):
        (inputs, targets), weight = BATCHES[number], trained.learner.model.weight.detach().clone()
        outputs = trained.learner.model(inputs).squeeze(1).detach()
        gradient = 2 * ((outputs - targets)[:, None] * inputs).mean(0)
        trained.train_on(BATCHES[number])
        torch.testing.assert_close(trained.learner.model.weight[0], weight[0] - 0.1 * gradient)
    assert trained.num_steps == 3


@pytest.mark.parametrize("flags", [(0.01, "norm"), (0.01, "value"), (0.01, None)], ids=str)
def test_gradients_are_clipped_before_the_step(tmp_path: Path, flags: tuple[float, str | None]) -> None:
    trained = member(tmp_path, clip=make_clip(*flags))
    before = [param.detach().clone() for param in trained.learner.parameters()]
    trained.learner.start_part("train")
    trained.train_on(BATCHES[0])
    moved = torch.cat(
        [(old - new.detach()).flatten() for old, new in zip(before, trained.learner.parameters(), strict=True)]
    )
    size = moved.abs().max() if flags[1] == "value" else moved.norm()
    assert float(size) == pytest.approx(0.1 * 0.01, rel=1e-3)


@pytest.mark.parametrize("value", [None, 0, 0.0, -1.0])
def test_nothing_is_clipped_unless_there_is_a_positive_limit(value: float | None) -> None:
    assert make_clip(value, "norm") is None


def test_schedules_by_step_move_each_step_and_those_by_epoch_once(tmp_path: Path) -> None:
    by_epoch = member(tmp_path, scheduler=partial(ExponentialLR, gamma=0.5))
    seen = []
    train_epoch(by_epoch, BATCHES, poll=lambda: seen.append(lr(by_epoch)))
    assert (seen, lr(by_epoch)) == ([0.1] * NUM_BATCHES, 0.05)
    by_step = member(tmp_path, scheduler=partial(OneCycleLR, max_lr=1.0, total_steps=9, interval="step"))
    seen = [lr(by_step)]
    train_epoch(by_step, BATCHES, poll=lambda: seen.append(lr(by_step)))
    assert len(set(seen)) == NUM_BATCHES + 1
    assert lr(by_step) == seen[-1]


def test_a_warm_up_rises_by_step(tmp_path: Path) -> None:
    warm = member(tmp_path, warmup_epochs=1)
    seen = [lr(warm)]
    train_epoch(warm, BATCHES, poll=lambda: seen.append(lr(warm)))
    assert seen == pytest.approx([0.0001, 0.0334, 0.0667, 0.1])


def test_a_plateau_compares_float32s(tmp_path: Path) -> None:
    """A loss that is less by the last digits of a float64 alone is no improvement in Lightning."""
    make = partial(ReduceLROnPlateau, patience=0, threshold=0.0, factor=0.5)
    trained = member(tmp_path, scheduler=make)
    for value in (1.0, 1.0 - 1e-12):
        trained.follow_plateaus({"val/loss": value})
    assert lr(trained) == 0.05


def test_a_plateau_whose_metric_is_not_logged_is_refused(tmp_path: Path) -> None:
    trained = member(tmp_path, scheduler=ReduceLROnPlateau, monitor="val/los")
    message = "learner.monitor must be a metric that is logged; got 'val/los'; did you mean val/loss? options: val/loss"
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        trained.follow_plateaus({"val/loss": 1.0})


def test_the_rate_among_the_metrics_is_that_of_the_next_step(tmp_path: Path) -> None:
    trained = member(tmp_path, scheduler=partial(ExponentialLR, gamma=0.5))
    train_epoch(trained, BATCHES)
    metrics = trained.read_metrics(["train"])
    assert list(metrics) == ["train/loss", "train/rmse", "lr"]
    assert metrics["lr"] == 0.05
