"""One training: what its result.yaml says of how it ended."""

from __future__ import annotations

import random
import re
import shutil
from contextlib import suppress
from pathlib import Path

import lightning as L
import numpy as np
import pytest
import torch
from full_disk import files_up_to
from listener import Listener
from omegaconf import DictConfig
from tiny import older, small
from torch import Tensor

from tunesmith.errors import MachineFault, UserError
from tunesmith.models.linear import Linear
from tunesmith.reporting import NoReporter
from tunesmith.run_folder import read_metrics, read_yaml
from tunesmith.training.train_once import train_once

EPOCHS = 4
BY_BOTH = pytest.mark.parametrize("engine", [f"trainer.engine={engine}" for engine in ("lightning", "lean")])


def iris(*typed: str) -> DictConfig:
    return small("data=iris", f"trainer.max_epochs={EPOCHS}", *typed)


def rows(cfg: DictConfig, folder: Path, checkpoint: Path | None = None) -> list[dict[str, str]]:
    """Train, or go on from a checkpoint; return metrics.csv."""
    folder.mkdir(exist_ok=True)
    train_once(cfg, folder, NoReporter(), checkpoint)
    return read_metrics(folder)


@BY_BOTH
def test_a_run_that_reaches_its_end(tmp_path: Path, engine: str) -> None:
    result = train_once(iris("seed=3", engine), tmp_path, NoReporter())
    losses = [float(row["val/loss"]) for row in read_metrics(tmp_path)]
    shown = {key: result[key] for key in ("value", "epoch", "epochs", "state", "reason", "checkpoint", "seed")}
    assert shown == {
        "value": min(losses),
        "epoch": 1 + losses.index(min(losses)),
        "epochs": EPOCHS,
        "state": "COMPLETE",
        "reason": None,
        "checkpoint": "checkpoints/best.ckpt",
        "seed": 3,
    }
    assert read_yaml(tmp_path / "result.yaml") == result


@BY_BOTH
def test_a_run_that_its_reporter_stops(tmp_path: Path, engine: str) -> None:
    result = train_once(iris(engine), tmp_path, Listener(2))
    assert (result["state"], result["reason"], result["epochs"]) == ("PRUNED", "pruned", 2)


@BY_BOTH
def test_a_run_whose_objective_becomes_nan(tmp_path: Path, engine: str) -> None:
    hot = iris("optimizer=sgd", "optimizer.lr=1e30", "model.batch_norm=false", engine)
    result = train_once(hot, tmp_path, NoReporter())
    shown = {key: result[key] for key in ("value", "epoch", "epochs", "state", "reason", "checkpoint")}
    assert shown == {
        "value": None,
        "epoch": None,
        "epochs": 1,
        "state": "FAIL",
        "reason": "val/loss was nan at epoch 1",
        "checkpoint": None,
    }


class Unreadable(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError


class FailUnreadably(L.Callback):
    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        raise Unreadable


def test_an_error_whose_text_cannot_be_read_is_recorded_as_any_other(tmp_path: Path) -> None:
    with suppress(Unreadable):  # which has no text that a test could match
        train_once(iris(f"+callbacks.bug._target_={__name__}.FailUnreadably"), tmp_path, NoReporter())
    result = read_yaml(tmp_path / "result.yaml")
    reason = "Unreadable: its text cannot be read: __str__ raises ZeroDivisionError"
    assert (result["state"], result["reason"]) == ("FAIL", reason)


@BY_BOTH
@pytest.mark.parametrize("content", [b"", b"no checkpoint"], ids=["an empty file", "some file"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, engine: str, content: bytes) -> None:
    checkpoint = tmp_path / "a.ckpt"
    checkpoint.write_bytes(content)
    message = f"ckpt_path must be a checkpoint that a run wrote; got '{checkpoint}'"
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        train_once(iris(engine), tmp_path, NoReporter(), checkpoint)
    assert not (tmp_path / "result.yaml").exists()


@BY_BOTH
def test_a_checkpoint_of_another_model_is_refused_and_leaves_the_record_of_its_run(tmp_path: Path, engine: str) -> None:
    train_once(iris(engine), tmp_path, NoReporter())
    before, checkpoint = (tmp_path / "result.yaml").read_text(), tmp_path / "checkpoints" / "best.ckpt"
    message = f"ckpt_path must be a checkpoint of this model; got '{checkpoint}': Error(s) in loading state_dict"
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        train_once(iris("model.hidden_units=3", engine), tmp_path, NoReporter(), checkpoint)
    assert (tmp_path / "result.yaml").read_text() == before


@BY_BOTH
def test_a_checkpoint_with_biases_before_batch_norms_starts_a_new_run_and_goes_on_with_none(
    tmp_path: Path, engine: str
) -> None:
    """Version 0.1.0 had them; its optimizer has moments for parameters that there are no more."""
    train_once(older("data=iris", "trainer.max_epochs=2"), tmp_path, NoReporter())
    best = tmp_path / "checkpoints" / "best.ckpt"
    way_out = (
        "runs of version 0.1.0 had biases before batch norms: weights=... starts a new run from these weights, "
        "study_name=... a new sweep"
    )
    with pytest.raises(
        UserError, match=rf"^ckpt_path must be a checkpoint of this model; got .*; {re.escape(way_out)}$"
    ):
        train_once(iris(engine), tmp_path, NoReporter(), best)
    typed = ("data=iris", "trainer.max_epochs=1", "optimizer.lr=1e-30", f"weights={best}", engine)
    (today,), (then,) = rows(small(*typed), tmp_path / "today"), rows(older(*typed), tmp_path / "then")
    assert float(today["val/loss"]) == pytest.approx(float(then["val/loss"]), rel=1e-5)


# what an epoch draws


class Draws(Linear):
    """Draws with each library's generator as it trains, and when it validates."""

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs + random.random() + np.random.rand() + torch.rand_like(inputs))


class StopsIn(Listener):
    """Interrupts the run in the first batch of an epoch (from 1), after the epoch has drawn something more."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self.epoch = epoch

    def poll(self) -> None:
        if len(self.heard) + 1 == self.epoch:
            raise KeyboardInterrupt


AUGMENTED = ("data=digits", "data.fraction=0.1", "data.batch_size=32", "data.augmentation.rotation=10")


@BY_BOTH
@pytest.mark.parametrize("model", ["mlp", "draws"])
@pytest.mark.parametrize("epoch", [2, 3])
def test_a_resumed_run_draws_what_an_unbroken_one_draws(tmp_path: Path, engine: str, epoch: int, model: str) -> None:
    def cfg() -> DictConfig:
        made = small(*AUGMENTED, f"trainer.max_epochs={EPOCHS}", engine)
        if model == "draws":
            made.model = {"_target_": f"{__name__}.Draws", "_partial_": True, "bias": True, "initializer": "torch"}
        return made

    unbroken, stopped = tmp_path / "unbroken", tmp_path / "stopped"
    expected = rows(cfg(), unbroken)
    stopped.mkdir()
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        train_once(cfg(), stopped, StopsIn(epoch))
    assert len(read_metrics(stopped)) == epoch - 1
    assert rows(cfg(), stopped, stopped / "checkpoints" / "last.ckpt") == expected


class DrawsBetween(L.Callback):
    def on_train_epoch_end(self, *args: object) -> None:
        random.random(), np.random.rand(), torch.rand(1)


def test_what_others_draw_between_epochs_changes_nothing(tmp_path: Path) -> None:
    cfg = small(*AUGMENTED, f"trainer.max_epochs={EPOCHS}")
    other = small(*AUGMENTED, f"trainer.max_epochs={EPOCHS}", f"+callbacks.between._target_={__name__}.DrawsBetween")
    assert rows(other, tmp_path / "other") == rows(cfg, tmp_path / "run")


@BY_BOTH
def test_no_checkpoint_holds_states_of_generators_and_those_of_older_ones_are_ignored(
    tmp_path: Path, engine: str
) -> None:
    train_once(iris("trainer.max_epochs=2", engine), tmp_path, NoReporter())
    best = tmp_path / "checkpoints" / "best.ckpt"
    saved = torch.load(best, weights_only=True)
    assert "Checkpoints" not in saved["callbacks"]
    saved["callbacks"]["Checkpoints"] = {"torch": torch.get_rng_state(), "python": [3, torch.ones(625), None]}
    torch.save(saved, best)
    assert rows(iris(engine), tmp_path, best) == rows(iris(engine), tmp_path / "whole")


@BY_BOTH
@pytest.mark.parametrize("num_bytes", [0, 20, 100, 1000, 3000, 20_000])
def test_a_full_disk_is_one_line_and_leaves_no_part_of_a_file(
    tmp_path: Path, engine: str, num_bytes: int, capsys: pytest.CaptureFixture[str]
) -> None:
    cfg = small("data=iris", "model.hidden_units=512", "trainer.max_epochs=2", engine)
    with files_up_to(num_bytes), pytest.raises(MachineFault, match=rf"^(file too large|disk full): '{tmp_path}"):
        train_once(cfg, tmp_path, NoReporter())
    assert capsys.readouterr().err == ""
    assert not (tmp_path / "result.yaml").exists()
    assert [path for path in tmp_path.rglob("*") if path.suffix == ".ckpt" or path.name.startswith(".")] == []
    assert train_once(cfg, tmp_path, NoReporter())["state"] == "COMPLETE"


class RemovesFolder(Listener):
    """Takes the run's folder away before its first epoch ends."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def poll(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


@BY_BOTH
def test_a_folder_that_is_removed_is_one_line(tmp_path: Path, engine: str) -> None:
    folder = tmp_path / "run"
    with pytest.raises(MachineFault, match=r"^folder gone: .* it was removed while it was written to$"):
        train_once(small("data=iris", "trainer.max_epochs=1", engine), folder, RemovesFolder(folder))
    assert not folder.exists()
