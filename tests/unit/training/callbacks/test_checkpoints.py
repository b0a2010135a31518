"""Checkpoints: the files of a run, and random states that survive a file."""

from __future__ import annotations

import os
import random
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from tiny import CLASSES, fit
from torch.optim import SGD

from tunesmith.data.splits import Split
from tunesmith.models.linear import Linear
from tunesmith.objective import Objective
from tunesmith.reporting import NoReporter
from tunesmith.training.callbacks.checkpoints import Checkpoints, random_states, set_random_states
from tunesmith.training.callbacks.epoch_record import EpochRecord
from tunesmith.training.learner import Supervised
from tunesmith.training.losses import AutoLoss
from tunesmith.training.record import RunRecord

LOSS = Objective("val/loss", "min")
FIRST_IS_BEST = Objective("val/loss", "max")


class Watch(L.Callback):
    """Notes the checkpoints that lie in a folder while each epoch trains."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: list[list[str]] = []
        self.is_one_file: list[bool] = []

    def on_train_batch_start(self, trainer: L.Trainer, *args: object) -> None:
        files = sorted(self.folder.glob("checkpoints/*"))
        self.names.append([file.name for file in files])
        self.is_one_file.append(len(files) == 2 and os.path.samefile(*files))


def trained(folder: Path, objective: Objective = LOSS) -> tuple[Supervised, Watch]:
    """Train three epochs of one batch each, with a loss that falls."""
    torch.manual_seed(0)
    part = Split(torch.randn(20, 4), torch.arange(20) % 3)
    model = Linear((4,), 3, bias=True, initializer="torch")
    module = Supervised(CLASSES, model, AutoLoss(), partial(SGD, lr=0.01))
    record, watch = RunRecord(folder, objective, NoReporter()), Watch(folder)
    fit(module, part, len(part), EpochRecord(record), watch, Checkpoints(folder, record), max_epochs=3)
    return module, watch


def drawn() -> list[Any]:
    """The next number of each generator, and one whose other half is kept for the call after."""
    return [random.random(), random.gauss(0, 1), np.random.rand(), np.random.randn(), torch.rand(3).tolist()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def watch(folder: Path) -> Watch:
    """What a run saw whose every epoch is better than the one before."""
    return trained(folder)[1]


def test_best_and_last_lie_there_while_the_run_goes_on(watch: Watch) -> None:
    assert watch.names == [[], ["best.ckpt", "last.ckpt"], ["best.ckpt", "last.ckpt"]]


def test_an_epoch_that_is_both_is_one_file_with_two_names(watch: Watch) -> None:
    assert watch.is_one_file == [False, True, True]


@pytest.mark.usefixtures("watch")
def test_best_alone_is_left(folder: Path) -> None:
    assert [file.name for file in (folder / "checkpoints").iterdir()] == ["best.ckpt"]


def test_where_there_are_no_links_the_best_epoch_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise OSError("no links on this file system")

    monkeypatch.setattr("os.link", refuse)
    _, watch = trained(tmp_path)
    assert watch.names[1:] == [["best.ckpt", "last.ckpt"]] * 2


def test_the_best_epochs_weights_are_restored(tmp_path: Path) -> None:
    module, _ = trained(tmp_path, FIRST_IS_BEST)
    saved = torch.load(tmp_path / "checkpoints" / "best.ckpt", weights_only=True)
    assert saved["callbacks"]["EpochRecord"]["best"]["epoch"] == 1
    torch.testing.assert_close(dict(module.state_dict()), saved["state_dict"])


def test_random_states_survive_a_file(tmp_path: Path) -> None:
    drawn()
    torch.save(random_states(), tmp_path / "states.ckpt")
    expected = drawn() + drawn()
    set_random_states(torch.load(tmp_path / "states.ckpt", weights_only=True))
    assert drawn() + drawn() == expected
