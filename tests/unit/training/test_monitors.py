"""What a run follows must be logged; where that is known before the first step, it is said there."""

from __future__ import annotations

from pathlib import Path

import lightning as L
import pytest
from lightning.pytorch.callbacks import EarlyStopping, LearningRateMonitor
from listener import Listener
from tiny import small

from tunesmith.errors import UserError
from tunesmith.training.fit import train_once
from tunesmith.training.monitors import check_monitors

NAMES = {"train/loss", "val/loss"}
STOPPING = "++callbacks.stop={_target_:lightning.pytorch.callbacks.EarlyStopping,monitor:val/los}"


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (
            ["objective.metric=val/los", "objective.mode=min"],
            r"objective\.metric must be .*; got 'val/los'; did you mean val/loss\?",
        ),
        (["objective.metric=val/rmse"], r"objective\.metric must be .*; got 'val/rmse'"),
        (["objective.metric=test/loss"], r"objective\.metric must be .*; got 'test/loss'"),
        ([STOPPING], r"callbacks\.stop\.monitor must be .*; got 'val/los'; did you mean val/loss\?"),
    ],
)
def test_a_name_that_is_never_logged_is_refused_before_the_first_step(
    tmp_path: Path, typed: list[str], line: str
) -> None:
    with pytest.raises(UserError, match=f"^{line}"):
        train_once(small("data=iris", "trainer.max_epochs=1", *typed), tmp_path, listener := Listener())
    assert (listener.polls, list(tmp_path.iterdir())) == (0, [])


@pytest.mark.parametrize("metric", ["val/f1", "val/acc", "train/loss", "lr"])
def test_a_name_that_is_logged_is_followed(tmp_path: Path, metric: str) -> None:
    cfg = small("data=iris", "trainer.max_epochs=1", "metrics=f1", f"objective.metric={metric}", "objective.mode=max")
    assert train_once(cfg, tmp_path, Listener())["metric"] == metric


class Logs(L.Callback):
    """Logs what nobody knows before."""

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        pl_module.log("mine", 1.0)


@pytest.mark.parametrize("callback", [Logs(), LearningRateMonitor()], ids=["a user's own", "Lightning's"])
def test_a_callback_that_may_log_leaves_it_open(callback: L.Callback) -> None:
    check_monitors(NAMES, "mine", {"a": callback, "stop": EarlyStopping("mine")})


def test_what_a_callback_logs_can_be_followed(tmp_path: Path) -> None:
    typed = ("objective.metric=mine", "objective.mode=max", f"+callbacks.a._target_={__name__}.Logs")
    assert train_once(small("data=iris", "trainer.max_epochs=1", *typed), tmp_path, Listener())["value"] == 1.0
