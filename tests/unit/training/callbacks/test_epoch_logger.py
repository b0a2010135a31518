"""One line per epoch, for a log file."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import NUMBERS, fit, fit_loaders
from torch import nn
from torch.optim import SGD
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from tunesmith.data.splits import Split
from tunesmith.objective import Objective
from tunesmith.reporting import NoReporter
from tunesmith.training.callbacks.epoch_logger import EpochLogger
from tunesmith.training.epoch_line import log
from tunesmith.training.first_lines import FirstLines
from tunesmith.training.learner import Supervised
from tunesmith.training.losses import AutoLoss
from tunesmith.training.record import RunRecord

PART = Split(torch.ones(4, 2), torch.zeros(4))


def learner() -> Supervised:
    return Supervised(NUMBERS, nn.Linear(2, 1), AutoLoss(), partial(SGD, lr=0.125))


def logger() -> EpochLogger:
    record = RunRecord(Path(), Objective("val/loss", "min"), NoReporter())
    return EpochLogger(record, FirstLines("digits", "", "runs/a"))


def lines(caplog: pytest.LogCaptureFixture, level: int, **flags: int) -> list[str]:
    caplog.set_level(level, log.name)
    fit(learner(), PART, 2, logger(), **{"max_epochs": 2, **flags})
    return [record.getMessage() for record in caplog.records if record.name == log.name]


def test_each_epoch_is_a_line_with_all_metrics(caplog: pytest.LogCaptureFixture) -> None:
    number = r"[\d.e-]+"
    metrics = "  ".join(f"{part}/{name} {number}" for part in ("train", "val") for name in ("loss", "rmse"))
    first, second = lines(caplog, logging.INFO)
    assert re.fullmatch(rf"epoch 1/2  {metrics}  lr 0\.125", first)
    assert second.startswith("epoch 2/2  ")


def test_a_log_that_wants_warnings_alone_has_none(caplog: pytest.LogCaptureFixture) -> None:
    assert lines(caplog, logging.WARNING) == []


def test_an_epoch_without_a_validation_does_not_show_the_values_of_an_earlier_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shown = lines(caplog, logging.INFO, max_epochs=4, check_val_every_n_epoch=2)
    assert shown[0::2] == ["epoch 1/4  not validated", "epoch 3/4  not validated"]
    assert ["val/loss" in line for line in shown] == [False, True, False, True]


def test_each_validation_of_an_epoch_is_a_line_with_its_step(caplog: pytest.LogCaptureFixture) -> None:
    shown = lines(caplog, logging.INFO, val_check_interval=1)
    assert [line.split("  train")[0] for line in shown] == [
        f"epoch {epoch}/2  step {step}" for epoch, step in ((1, 1), (1, 2), (2, 3), (2, 4))
    ]


def test_an_endless_run_has_no_last_epoch(caplog: pytest.LogCaptureFixture) -> None:
    shown = lines(caplog, logging.INFO, max_epochs=-1, max_steps=4)
    assert [line.split("  ")[0] for line in shown] == ["epoch 1", "epoch 2"]


class Stream(IterableDataset[Any]):
    """Nobody knows how many samples it has; some of its kind have a length that raises."""

    def __iter__(self) -> Iterator[Any]:
        yield from zip(PART.inputs, PART.targets, strict=True)


class Unsized(Stream):
    def __len__(self) -> int:
        raise TypeError("a stream has no length")


@pytest.mark.parametrize(
    ("data", "sizes"),
    [(TensorDataset(torch.ones(4, 2), torch.zeros(4)), "4 training, 4 validation"), (Stream(), ""), (Unsized(), "")],
    ids=["a data set", "a stream", "a stream whose length raises"],
)
def test_the_samples_of_loaders_of_ones_own_are_told_if_they_are_known(
    data: Any, sizes: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fit_loaders(learner(), DataLoader(data, 2), DataLoader(data, 2), logger(), max_epochs=1)
    shown = dict(message.split(maxsplit=1) for message in caplog.messages)
    assert (shown.get("samples", ""), shown["device"]) == (sizes, "cpu")
