"""One line per epoch, for a log file."""

from __future__ import annotations

import logging
import re
from functools import partial
from pathlib import Path

import pytest
import torch
from tiny import NUMBERS, fit
from torch import nn
from torch.optim import SGD

from tunesmith.data.splits import Split
from tunesmith.objective import Objective
from tunesmith.reporting import NoReporter
from tunesmith.training.callbacks.epoch_logger import EpochLogger
from tunesmith.training.epoch_line import log
from tunesmith.training.first_lines import FirstLines
from tunesmith.training.learner import Supervised
from tunesmith.training.losses import AutoLoss
from tunesmith.training.record import RunRecord


def lines(caplog: pytest.LogCaptureFixture, level: int, **flags: int) -> list[str]:
    caplog.set_level(level, log.name)
    model, part = nn.Linear(2, 1), Split(torch.ones(4, 2), torch.zeros(4))
    module = Supervised(NUMBERS, model, AutoLoss(), partial(SGD, lr=0.125))
    record = RunRecord(Path(), Objective("val/loss", "min"), NoReporter())
    about = FirstLines("digits", "", "mlp", "supervised", "runs/a")
    fit(module, part, 2, EpochLogger(record, about), **{"max_epochs": 2, **flags})
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
