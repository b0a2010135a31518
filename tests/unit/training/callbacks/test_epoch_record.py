"""Lightning's hooks as calls of the record: one per epoch, with plain floats, and the stop that it asks for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from listener import Listener
from tiny import CLASSES, fit
from torch import nn
from torch.optim import SGD
from torch.utils.data import DataLoader, IterableDataset

from tunesmith.data.batches import Batches
from tunesmith.data.splits import Split
from tunesmith.models.linear import Linear
from tunesmith.objective import Objective
from tunesmith.run_folder import read_metrics
from tunesmith.training.callbacks.epoch_record import EpochRecord
from tunesmith.training.learner import Supervised
from tunesmith.training.losses import AutoLoss
from tunesmith.training.record import RunRecord

LOSS = Objective("val/loss", "min")
BATCHES = 2


@dataclass(frozen=True)
class Trained:
    record: RunRecord
    listener: Listener
    trainer: L.Trainer
    rows: list[dict[str, str]]
    seconds: float


def trained(folder: Path, stop_at: int | None = None) -> Trained:
    """Train three epochs of two batches, or fewer."""
    torch.manual_seed(0)
    part = Split(torch.randn(20, 4), torch.arange(20) % 3)
    model = Linear((4,), 3, bias=True, initializer="torch")
    module = Supervised(CLASSES, model, AutoLoss(), partial(SGD, lr=0.01))
    listener = Listener(stop_at)
    record = RunRecord(folder, LOSS, listener)
    time.sleep(0.05)  # what lies between a record and its training
    started = time.monotonic()
    trainer = fit(module, part, len(part) // BATCHES, EpochRecord(record), max_epochs=3)
    return Trained(record, listener, trainer, read_metrics(folder), time.monotonic() - started)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return trained(tmp_path_factory.mktemp("run"))


def test_each_epoch_is_a_row_and_a_report(ended: Trained) -> None:
    assert [row["epoch"] for row in ended.rows] == ["1", "2", "3"]
    assert ended.listener.heard == [(int(row["epoch"]), float(row["val/loss"])) for row in ended.rows]


def test_the_reporter_may_end_the_attempt_after_each_batch(ended: Trained) -> None:
    assert ended.listener.polls == 3 * (BATCHES + 1)  # and before it writes an epoch


def test_the_row_holds_what_was_logged_in_its_own_precision(ended: Trained) -> None:
    last = {name: float(str(value.numpy())) for name, value in ended.trainer.callback_metrics.items()}
    assert {name: float(value) for name, value in ended.rows[-1].items() if name != "epoch"} == last


def test_the_clock_runs_while_it_trains(ended: Trained) -> None:
    assert 0 < ended.record.seconds <= ended.seconds
    assert ended.record.seconds == ended.record.seconds


class Plain(L.LightningModule):
    """A user's own learner: it logs the objective, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def training_step(self, batch: object, batch_idx: int) -> torch.Tensor:
        return self.weight.sum()

    def validation_step(self, batch: object, batch_idx: int) -> None:
        self.log("val/loss", self.weight.sum())

    def configure_optimizers(self) -> SGD:
        return SGD(self.parameters(), lr=0.25)


def test_a_sanity_check_is_no_epoch(tmp_path: Path) -> None:
    record = RunRecord(tmp_path, LOSS, listener := Listener())
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    no_files: dict[str, Any] = {**quiet, "accelerator": "cpu"}
    trainer = L.Trainer(callbacks=[EpochRecord(record)], num_sanity_val_steps=1, max_epochs=1, **no_files)
    batches = Batches(Split(torch.zeros(2, 1), torch.zeros(2)), 2)
    trainer.fit(Plain(), batches, batches)
    assert listener.heard == [(1, 0.75)]
    assert read_metrics(tmp_path) == [{"epoch": "1", "val/loss": "0.75"}]


def test_a_run_that_is_told_to_stop_ends_after_that_epoch(tmp_path: Path) -> None:
    stopped = trained(tmp_path, stop_at=2)
    assert (len(stopped.rows), stopped.record.state) == (2, "PRUNED")


def test_at_its_last_epoch_a_run_is_not_stopped(tmp_path: Path) -> None:
    assert trained(tmp_path, stop_at=3).record.state == "COMPLETE"


# what an epoch is


def recorded(folder: Path, train: Any, val: Any, stop_at: int | None = None, **flags: Any) -> RunRecord:
    """Train Plain on loaders that are not ours."""
    record = RunRecord(folder, LOSS, Listener(stop_at))
    quiet: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = L.Trainer(callbacks=[EpochRecord(record)], num_sanity_val_steps=0, accelerator="cpu", **quiet, **flags)
    trainer.fit(Plain(), train, val)
    return record


class Endless(IterableDataset[torch.Tensor]):
    def __iter__(self) -> Iterator[torch.Tensor]:
        while True:
            yield torch.zeros(1)


def samples(number: int) -> Batches:
    return Batches(Split(torch.zeros(number, 1), torch.zeros(number)), 1)


VALIDATION = samples(1)


def test_an_endless_stream_is_one_epoch_of_max_steps_and_is_validated(tmp_path: Path) -> None:
    recorded(tmp_path, DataLoader(Endless()), VALIDATION, max_epochs=5, max_steps=3)
    assert read_metrics(tmp_path) == [{"epoch": "1", "val/loss": "0.25"}]


def test_an_endless_stream_has_epochs_of_so_many_batches(tmp_path: Path) -> None:
    recorded(tmp_path, DataLoader(Endless()), VALIDATION, max_epochs=2, limit_train_batches=2)
    assert [row["val/loss"] for row in read_metrics(tmp_path)] == ["0.5", "0.0"]


def test_an_epoch_that_max_steps_cuts_short_is_no_row(tmp_path: Path) -> None:
    recorded(tmp_path, samples(2), VALIDATION, max_epochs=5, max_steps=3)
    assert [row["epoch"] for row in read_metrics(tmp_path)] == ["1"]


def test_at_its_last_step_a_run_is_not_stopped(tmp_path: Path) -> None:
    steps: dict[str, Any] = {"train": samples(1), "val": VALIDATION, "max_epochs": 5, "max_steps": 3}
    assert recorded(tmp_path, **steps, stop_at=3).state == "COMPLETE"
    assert recorded(tmp_path, **steps, stop_at=2).state == "PRUNED"


class TrainLoss(Plain):
    def training_step(self, batch: object, batch_idx: int) -> torch.Tensor:
        loss = self.weight.sum()
        self.log("val/loss", loss)
        return loss


@pytest.mark.filterwarnings("ignore:Total length of `list` across ranks is zero")
def test_without_batches_to_validate_on_the_epoch_of_training_counts(tmp_path: Path) -> None:
    trainer = L.Trainer(
        callbacks=[EpochRecord(RunRecord(tmp_path, LOSS, Listener()))],
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        max_epochs=2,
    )
    trainer.fit(TrainLoss(), samples(1), [])
    assert [row["epoch"] for row in read_metrics(tmp_path)] == ["1", "2"]


def test_an_epoch_without_its_validation_is_no_row(tmp_path: Path) -> None:
    recorded(tmp_path, samples(1), VALIDATION, max_epochs=4, check_val_every_n_epoch=2)
    assert [row["epoch"] for row in read_metrics(tmp_path)] == ["2", "4"]


def test_its_state_is_the_records_under_the_name_that_old_checkpoints_have(ended: Trained) -> None:
    callback = EpochRecord(ended.record)
    assert callback.state_key == "EpochRecord"
    assert callback.state_dict() == ended.record.state_dict()
