"""A run that ends before its first validation would have no value: one line before its first step."""

from __future__ import annotations

from pathlib import Path

import lightning as L
import pytest
from listener import Listener
from tiny import small

from tunesmith.errors import UserError
from tunesmith.run_folder import read_metrics
from tunesmith.training.fit import train_once

# Four batches an epoch.
TYPED = ("data=iris", "data.batch_size=25", "trainer.max_epochs=3")


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (
            ["+trainer.max_steps=3"],
            r"trainer\.max_steps .* first validation, after batch 4; got 3, whose last batch is 3",
        ),
        (
            ["+trainer.max_steps=1", "trainer.accumulate_grad_batches=3"],
            r"trainer\.max_steps .*, after batch 4; got 1, whose last batch is 3",
        ),
        (
            ["+trainer.max_steps=7", "+trainer.check_val_every_n_epoch=2"],
            r"trainer\.max_steps .*, after batch 8; got 7, whose last batch is 7",
        ),
        (
            ["+trainer.check_val_every_n_epoch=4"],
            r"trainer\.max_epochs .*, after batch 16; got 3, whose last batch is 12",
        ),
        (
            ["+trainer.val_check_interval=13", "+trainer.check_val_every_n_epoch=null"],
            r"trainer\.max_epochs .*, after batch 13; got 3, whose last batch is 12",
        ),
    ],
)
def test_a_run_that_ends_before_is_refused(tmp_path: Path, typed: list[str], line: str) -> None:
    with pytest.raises(UserError, match=f"^{line}: give more"):
        train_once(small(*TYPED, *typed), tmp_path, listener := Listener())
    assert (listener.polls, list(tmp_path.iterdir())) == (0, [])


@pytest.mark.parametrize(
    ("typed", "rows"),
    [
        (["+trainer.max_steps=4"], 1),
        (["+trainer.max_steps=2", "trainer.accumulate_grad_batches=3"], 1),
        (["+trainer.max_steps=2", "+trainer.val_check_interval=2"], 1),
        (["+trainer.val_check_interval=12", "+trainer.check_val_every_n_epoch=null"], 1),
        (["+trainer.check_val_every_n_epoch=3"], 1),
    ],
)
def test_a_run_that_ends_with_it_has_its_value(tmp_path: Path, typed: list[str], rows: int) -> None:
    result = train_once(small(*TYPED, *typed), tmp_path, listener := Listener())
    assert len(listener.heard) == rows
    assert result["value"] == listener.heard[0][1]


# validations by the clock

BY_CLOCK = "+trainer.val_check_interval=00:00:00:00"


def test_validations_by_the_clock_are_rows(tmp_path: Path) -> None:
    stop = "+callbacks.stop={_target_:lightning.pytorch.callbacks.EarlyStopping,monitor:val/loss,patience:99}"
    train_once(small(*TYPED, BY_CLOCK, stop), tmp_path, listener := Listener())
    assert [int(row["step"]) for row in read_metrics(tmp_path)] == list(range(1, 13))
    assert len(listener.heard) == 3


def test_a_plateau_is_refused_with_them(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^trainer\.val_check_interval in hours, .* leaves epochs without"):
        train_once(small(*TYPED, BY_CLOCK, "scheduler=plateau"), tmp_path, Listener())


def test_lightning_still_forgets_the_attribute() -> None:
    """If this fails, _build_trainer need not set val_check_interval any more."""
    trainer = L.Trainer(val_check_interval="00:00:01:00", logger=False, enable_checkpointing=False, accelerator="cpu")
    assert not hasattr(trainer, "val_check_interval")
