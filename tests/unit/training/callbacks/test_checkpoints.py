"""Checkpoints: the files of a run."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, WeightAveraging
from listener import Listener
from tiny import CLASSES, fit, small
from torch.optim import SGD

from tunesmith.data.splits import Split
from tunesmith.errors import UserError
from tunesmith.models.linear import Linear
from tunesmith.objective import Objective
from tunesmith.reporting import NoReporter
from tunesmith.run_folder import read_yaml
from tunesmith.training.callbacks.checkpoints import Checkpoints
from tunesmith.training.callbacks.epoch_record import EpochRecord
from tunesmith.training.fit import train_once
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


# best.ckpt holds the weights that were validated


class Averages(WeightAveraging):
    """Averages at the end of an epoch, which is after its validation."""

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        return epoch_idx is not None


class Shakes(L.Callback):
    """Changes the weights between an epoch's validation and its end."""

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        with torch.no_grad():
            for weight in pl_module.parameters():
                weight *= 0.5


class Swaps(Supervised):
    """Validates other weights than those that it trains, as learners with an average of their own do."""

    def on_validation_start(self) -> None:
        self.kept = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict({name: value / 2 for name, value in self.kept.items()})

    def on_validation_end(self) -> None:
        self.model.load_state_dict(self.kept)


def value_of(module: Supervised, part: Split, folder: Path) -> float:
    """The validation loss of best.ckpt, computed again."""
    module.load_state_dict(torch.load(folder / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"])
    module.eval()
    with torch.no_grad():
        return float(module.loss(module(part.inputs), part.targets))


@pytest.mark.parametrize(
    ("interval", "save_interval"), [(1.0, 0), (1.0, 10), (0.5, 10)], ids=["an epoch's end", "held", "inside an epoch"]
)
@pytest.mark.parametrize(
    ("kind", "callback"),
    [(Supervised, None), (Supervised, Averages), (Supervised, EMAWeightAveraging), (Supervised, Shakes), (Swaps, None)],
    ids=["nothing changes them", "an average by epoch", "an average by step", "a callback", "the learner itself"],
)
def test_the_best_value_is_that_of_the_weights_in_the_file(
    tmp_path: Path, kind: type[Supervised], callback: type[L.Callback] | None, interval: float, save_interval: float
) -> None:
    torch.manual_seed(0)
    part = Split(torch.randn(20, 4), torch.arange(20) % 3)
    module = kind(CLASSES, Linear((4,), 3, bias=True, initializer="torch"), AutoLoss(), partial(SGD, lr=0.5))
    record = RunRecord(tmp_path, LOSS, NoReporter())
    own = [] if callback is None else [callback()]
    ours = [EpochRecord(record), *own, Checkpoints(tmp_path, record, save_interval)]
    fit(module, part, 5, *ours, max_epochs=3, val_check_interval=interval)
    assert record.best.epoch > 0
    assert value_of(module, part, tmp_path) == pytest.approx(record.best.value, rel=1e-6)


def test_no_run_goes_on_from_the_middle_of_an_epoch(tmp_path: Path) -> None:
    cfg = small("data=iris", "data.batch_size=25", "trainer.max_epochs=2", "+trainer.val_check_interval=3")
    train_once(cfg, tmp_path, NoReporter())
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=r"^ckpt_path must be a checkpoint of an epoch's end; got one of a validation"):
        train_once(cfg, tmp_path, NoReporter(), tmp_path / "checkpoints" / "best.ckpt")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


class FailsAt(L.Callback):
    def __init__(self, batch: int) -> None:
        self.left = batch

    def on_train_batch_end(self, *args: object) -> None:
        self.left -= 1
        if self.left == 0:
            raise ZeroDivisionError("a bug")


def test_a_run_that_fails_inside_an_epoch_keeps_its_best_validation(tmp_path: Path) -> None:
    typed = ("data=iris", "data.batch_size=25", "trainer.max_epochs=2", "+trainer.val_check_interval=2")
    with pytest.raises(ZeroDivisionError, match="a bug"):
        train_once(
            small(*typed, f"+callbacks.bug={{_target_:{__name__}.FailsAt,batch:4}}"), tmp_path, listener := Listener()
        )
    result = read_yaml(tmp_path / "result.yaml")
    assert (result["state"], result["epoch"], result["step"], listener.heard) == ("FAIL", 1, 2, [])
    saved = torch.load(tmp_path / "checkpoints" / "best.ckpt", weights_only=True)
    assert (saved["global_step"], saved["callbacks"]["EpochRecord"]["best"]["value"]) == (2, result["value"])


# other checkpoints


@pytest.mark.parametrize(
    ("checkpoint", "folder"),
    [
        ({}, "model_checkpoints"),
        ({"save_last": True, "filename": "best"}, "model_checkpoints"),
        ({"dirpath": "checkpoints"}, "model_checkpoints"),
        ({"dirpath": "mine"}, "mine"),
    ],
    ids=["no folder", "our names", "our folder", "another folder"],
)
def test_a_model_checkpoint_leaves_our_folder_alone(tmp_path: Path, checkpoint: dict[str, Any], folder: str) -> None:
    if "dirpath" in checkpoint:
        checkpoint = {"dirpath": str(tmp_path / checkpoint["dirpath"])}
    cfg = small(
        "data=iris", "trainer.max_epochs=2", "+callbacks.a._target_=lightning.pytorch.callbacks.ModelCheckpoint"
    )
    cfg.callbacks.a = {**cfg.callbacks.a, **checkpoint}
    train_once(cfg, tmp_path, NoReporter())
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["best.ckpt"]
    assert {path.parent.name for path in tmp_path.rglob("*.ckpt")} == {"checkpoints", folder}
