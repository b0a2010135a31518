"""An epoch of the lean engine: batches, validation, and what its end decides."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
import torch
from listener import Listener
from tiny_member import NUM_BATCHES, batches, member
from torch import Tensor, nn

from tunesmith.errors import UserError
from tunesmith.run_folder import read_metrics
from tunesmith.training.lean.epoch import end_epoch, train_epoch, validate
from tunesmith.training.lean.member import Member
from tunesmith.training.patience import Patience

PARTS = ("train", "val")


class Logger:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.logged: list[tuple[int | None, dict[str, float]]] = []

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.logged.append((step, metrics))

    def save(self) -> None: ...

    def finalize(self, status: str) -> None: ...


def run_epoch(trained: Member, max_epochs: int = 10, *loggers: Logger) -> bool:
    train_epoch(trained, batches())
    validate(trained, batches())
    return end_epoch(trained, PARTS, max_epochs, loggers)


def test_each_batch_is_augmented_trained_on_and_polled(tmp_path: Path) -> None:
    trained, seen = member(tmp_path), []

    def augment(batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        seen.append("augment")
        return batch

    train_epoch(trained, batches(), augment, lambda: seen.append(f"poll {trained.num_steps}"))
    assert seen == [text for step in range(NUM_BATCHES) for text in ("augment", f"poll {step + 1}")]


class Modes(nn.Linear):
    """Notes at each call whether it trains, and whether gradients are on."""

    def __init__(self) -> None:
        super().__init__(4, 1)
        self.seen: list[tuple[bool, bool]] = []

    def forward(self, inputs: Tensor) -> Tensor:
        self.seen.append((self.training, torch.is_grad_enabled()))
        return super().forward(inputs)


def test_validation_changes_nothing_and_each_module_keeps_its_mode(tmp_path: Path) -> None:
    model = nn.Sequential(Modes(), nn.BatchNorm1d(1))
    trained = member(tmp_path, model)
    model[1].eval()  # a norm that its model has frozen
    before = {name: value.clone() for name, value in trained.learner.state_dict().items()}
    validate(trained, batches())
    assert isinstance(model[0], Modes)
    assert model[0].seen == [(False, False)] * NUM_BATCHES
    assert all(torch.equal(value, before[name]) for name, value in trained.learner.state_dict().items())
    assert (model[0].training, model[1].training) == (True, False)


def test_an_epoch_is_logged_recorded_and_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    logger, reporter = Logger(), Listener()
    trained = member(tmp_path, reporter=reporter)
    assert not run_epoch(trained, 10, logger)
    (row,), ((step, logged),) = read_metrics(tmp_path), logger.logged
    assert (row["epoch"], step, trained.epoch) == ("1", 1, 1)
    assert list(row)[1:] == list(logged) == ["train/loss", "train/rmse", "val/loss", "val/rmse", "lr"]
    loss = float(row["val/loss"])
    assert loss != logged["val/loss"] == pytest.approx(loss, rel=1e-7)  # a float32 and the float64 that it is made of
    assert reporter.heard == [(1, loss)]
    assert re.match(r"epoch 1/10  train/loss [\d.e-]+  train/rmse ", caplog.messages[-1])


def test_an_epoch_without_a_validation_part_is_of_training_alone(tmp_path: Path) -> None:
    patience = Patience("val/loss", check_on_train_epoch_end=False)
    trained = member(tmp_path, patiences=[patience], objective="train/loss")
    train_epoch(trained, batches())
    end_epoch(trained, ["train"], 10)
    assert list(read_metrics(tmp_path)[0]) == ["epoch", "train/loss", "train/rmse", "lr"]


def num_epochs(trained: Member, max_epochs: int) -> int:
    while not run_epoch(trained, max_epochs):
        assert trained.epoch < max_epochs
    return trained.epoch


def test_the_last_epoch_is_max_epochs(tmp_path: Path) -> None:
    trained = member(tmp_path)
    assert (num_epochs(trained, 3), trained.record.state) == (3, "COMPLETE")


def test_the_reporter_ends_a_training(tmp_path: Path) -> None:
    trained = member(tmp_path, reporter=Listener(2))
    assert (num_epochs(trained, 9), trained.record.state) == (2, "PRUNED")


def test_the_last_epoch_is_not_stopped(tmp_path: Path) -> None:
    trained = member(tmp_path, reporter=Listener(3))
    assert (num_epochs(trained, 3), trained.record.state) == (3, "COMPLETE")


def test_one_of_several_early_stoppings_ends_a_training_and_all_see_its_last_epoch(tmp_path: Path) -> None:
    patiences = [Patience("lr", patience=2), Patience("train/loss", patience=2)]
    trained = member(tmp_path, patiences=patiences)
    assert (num_epochs(trained, 9), trained.record.state) == (3, "COMPLETE")
    assert [patience.stopped_epoch for patience in patiences] == [2, 0]
    assert patiences[1].best_score == pytest.approx(float(read_metrics(tmp_path)[2]["train/loss"]), rel=1e-7)


def test_a_loss_that_is_no_number_fails_the_training(tmp_path: Path) -> None:
    trained = member(tmp_path)
    with torch.no_grad():
        trained.learner.model.bias.fill_(torch.nan)  # type: ignore[operator, union-attr]
    assert run_epoch(trained)
    assert trained.record.failure == "val/loss was nan at epoch 1"


def test_an_objective_that_is_not_logged_is_refused(tmp_path: Path) -> None:
    trained = member(tmp_path)
    train_epoch(trained, batches())
    with pytest.raises(UserError, match=r"^objective\.metric must be a logged metric; got 'val/loss'; did you mean"):
        end_epoch(trained, ["train"], 10)
    assert read_metrics(tmp_path) == []
