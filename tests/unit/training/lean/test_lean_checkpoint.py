"""A lean member's checkpoint is the one that Lightning's Trainer saves, and each engine goes on from the other's."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from listener import Listener
from omegaconf import DictConfig
from tiny import composed

from tunesmith.errors import AttemptLost, UserError
from tunesmith.run_folder import read_metrics
from tunesmith.training import fit
from tunesmith.training.lean import fit as lean_fit

ENGINES = {"lightning": fit.train_once, "lean": lean_fit.train_once}
EPOCHS, BATCHES = 4, 4
TYPED = (
    *("data=iris", "data.batch_size=25", "trainer.accelerator=cpu", f"trainer.max_epochs={EPOCHS}", "logger=none"),
    *("model.hidden_units=8", "model.num_layers=1", "model.dropout=0.3", "optimizer.lr=0.01"),
)
KINDS = {
    "plateau and early stopping": ("callbacks=default", "scheduler.patience=0"),
    "no schedule, no early stopping": ("scheduler=none", "callbacks=none"),
    "two schedules by step": ("scheduler=cosine", "scheduler.interval=step", "warmup_epochs=2", "callbacks=none"),
    "sgd with momentum": ("optimizer=sgd", "optimizer.momentum=0.9", "callbacks=none"),
    "several batches of validation": ("data.val_fraction=0.4", "data.batch_size=18", "callbacks=none"),
}
kinds = pytest.mark.parametrize("typed", KINDS.values(), ids=KINDS)


@dataclass
class Interrupts(Listener):
    """Ends the run after so many batches, as a worker does that is asked to end."""

    after: int = 0

    def poll(self) -> None:
        super().poll()
        if self.polls >= self.after:
            raise AttemptLost("interrupted")


def config(*typed: str) -> DictConfig:
    return composed(*TYPED, *typed)


def interrupted(engine: str, folder: Path, *typed: str) -> Path:
    """Train two epochs and a part of the third, and return last.ckpt."""
    folder.mkdir(exist_ok=True)
    polls = 2 * (BATCHES + 2) + 2  # a validation and a report poll too
    with pytest.raises(AttemptLost, match=r"^interrupted$"):
        ENGINES[engine](config(*typed), folder, Interrupts(after=polls))
    return folder / "checkpoints" / "last.ckpt"


def comparable(path: Path) -> Any:
    """Return what a checkpoint holds, without the time that the run took."""
    return _plain(torch.load(path, weights_only=True))


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.dtype, value.tolist()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if key != "seconds"}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


@kinds
def test_a_run_that_is_interrupted_leaves_the_same_checkpoint(tmp_path: Path, typed: tuple[str, ...]) -> None:
    files = {engine: comparable(interrupted(engine, tmp_path / engine, *typed)) for engine in ENGINES}
    assert files["lean"]["epoch"] == 2
    assert files["lean"] == files["lightning"]


@kinds
def test_a_run_that_is_over_leaves_the_same_checkpoint(tmp_path: Path, typed: tuple[str, ...]) -> None:
    for engine, train in ENGINES.items():
        (tmp_path / engine).mkdir()
        train(config(*typed), tmp_path / engine, Listener())
    files = {engine: comparable(tmp_path / engine / "checkpoints" / "best.ckpt") for engine in ENGINES}
    assert files["lean"] == files["lightning"]


@kinds
@pytest.mark.parametrize(("first", "second"), [("lean", "lightning"), ("lightning", "lean")])
def test_a_run_goes_on_in_either_engine_to_the_same_numbers(
    tmp_path: Path, typed: tuple[str, ...], first: str, second: str
) -> None:
    """From lean to lean: test_lean_fit.py."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    expected = ENGINES[second](config(*typed), whole, Listener())
    checkpoint = interrupted(first, broken, *typed)
    result = ENGINES[second](config(*typed), broken, Listener(), checkpoint)
    assert read_metrics(broken) == read_metrics(whole)
    assert (result["value"], result["epoch"], result["epochs"]) == tuple(
        expected[name] for name in ("value", "epoch", "epochs")
    )
    ends = [comparable(folder / "checkpoints" / "best.ckpt") for folder in (broken, whole)]
    for each in ends:
        del each["loops"]  # Lightning's own count of epochs that it began is another one after a resume
    assert ends[0] == ends[1]


WITHIN = {"callbacks": {"EpochRecord": {"within_epoch": True}}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer_states": None}, r"^ckpt_path must be a checkpoint that a run goes on from; got one without opt"),
        ({"epoch": 9}, r"^trainer.max_epochs must be at least the 9 epochs of the checkpoint in ckpt_path; got 4$"),
        (WITHIN, r"^ckpt_path must be a checkpoint of an epoch's end; got one of a validation before it"),
        ({"state_dict": {"model.a": torch.ones(1)}}, r"^ckpt_path must be a checkpoint of this model; got '.*ckpt': "),
    ],
    ids=["weights alone", "after the last epoch", "inside an epoch", "of another model"],
)
def test_a_checkpoint_from_which_no_run_goes_on_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = interrupted("lean", tmp_path)
    checkpoint = {**torch.load(path, weights_only=True), **change}
    torch.save({key: value for key, value in checkpoint.items() if value is not None}, path)
    with pytest.raises(UserError, match=message):
        lean_fit.train_once(config(), tmp_path, Listener(), path)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_killed_at_its_very_end_has_its_best_epoch_after_all(tmp_path: Path, engine: str) -> None:
    """last.ckpt is then of the last epoch, and best.ckpt not yet there: no epoch is left to train."""
    expected = ENGINES[engine](config(), tmp_path, Listener())
    assert expected["epoch"] == EPOCHS
    best, last = (tmp_path / "checkpoints" / name for name in ("best.ckpt", "last.ckpt"))
    content = best.read_bytes()
    best.rename(last)
    result = ENGINES[engine](config(), tmp_path, Listener(), last)
    assert (result["state"], result["value"]) == ("COMPLETE", expected["value"])
    assert comparable(best)["state_dict"] == _plain(torch.load(io.BytesIO(content), weights_only=True))["state_dict"]
    assert not last.exists()


@pytest.mark.parametrize("engine", ENGINES)
def test_an_interrupt_while_a_run_ends_loses_nothing(
    tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def interrupt(*arguments: Any) -> None:
        if str(arguments[1]).endswith(".ckpt"):
            monkeypatch.setattr(os, "replace", replace)
            raise KeyboardInterrupt
        replace(*arguments)

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        ENGINES[engine](config(), tmp_path, Listener())
    assert comparable(tmp_path / "checkpoints" / "last.ckpt")["epoch"] == EPOCHS
