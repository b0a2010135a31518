"""A learner that is not ours: one value per epoch of what it logs by step, its axis, its checkpoints, its metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.loggers.logger import DummyLogger
from torch import Tensor, nn
from torch.optim import SGD
from torchmetrics import CatMetric, MaxMetric, MeanMetric

from tunesmith.data.batches import Batches
from tunesmith.data.splits import Split
from tunesmith.training.callbacks.end_of_epoch import EndOfEpoch
from tunesmith.training.callbacks.foreign_learner import ForeignLearner, metric_states, restore_metrics

STEPS, EPOCHS = 4, 2


class Logs(L.LightningModule):
    """Logs the step's number in the ways that Lightning has."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        number = torch.tensor(float(10 * self.current_epoch + batch_idx))
        self.log("by_step", number)
        self.log("both", 2 * number, on_step=True, on_epoch=True)
        self.log("by_epoch", 3 * number, on_step=False, on_epoch=True)
        if batch_idx % 2 == 0:
            self.log("some", number)
        return self.weight.sum()

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.log("late", torch.tensor(float(batch_idx)))

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val/loss", float(self.current_epoch))

    def configure_optimizers(self) -> SGD:
        return SGD(self.parameters(), lr=0.1)


class Heard(DummyLogger):
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[int, dict[str, float]]] = []

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        self.heard.append((step, dict(metrics)))

    def of(self, name: str) -> list[tuple[int, float]]:
        return [(step, metrics[name]) for step, metrics in self.heard if name in metrics]


class Rows(EndOfEpoch):
    """Notes an epoch's values as the record sees them."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.rows.append({name: float(value) for name, value in trainer.callback_metrics.items()})


def trained(
    folder: Path, module: L.LightningModule, *callbacks: L.Callback, logger: Any = False, **flags: Any
) -> L.Trainer:
    trainer = L.Trainer(
        accelerator="cpu",
        logger=logger,
        callbacks=[ForeignLearner(), *callbacks],
        enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=1,
        log_every_n_steps=1,
        max_epochs=EPOCHS,
    )
    part = Split(torch.zeros(8, 1), torch.zeros(8))
    trainer.fit(module, Batches(part, 8 // STEPS), Batches(part, 8))
    return trainer


@pytest.mark.parametrize("has_logger", [False, True])
def test_an_epoch_has_the_mean_over_the_steps_that_logged(tmp_path: Path, has_logger: bool) -> None:
    rows = Rows()
    trained(tmp_path, Logs(), rows, logger=Heard() if has_logger else False)
    expected = {"by_step": 1.5, "some": 1.0, "late": 1.5, "both": 3.0, "by_epoch": 4.5, "val/loss": 0.0}
    assert {name: rows.rows[0][name] for name in expected} == expected
    later = {"by_step": 11.5, "some": 11.0, "late": 1.5, "both": 23.0, "by_epoch": 34.5, "val/loss": 1.0}
    assert {name: rows.rows[1][name] for name in later} == later


def test_loggers_get_epochs_by_epoch_and_steps_by_step(tmp_path: Path) -> None:
    logger = Heard()
    trained(tmp_path, Logs(), logger=logger)
    by_epoch = [("by_step_epoch", 1.5), ("some_epoch", 1.0), ("both_epoch", 3.0), ("by_epoch", 4.5), ("val/loss", 0.0)]
    for name, value in by_epoch:
        assert logger.of(name)[0] == (1, value)
        assert [step for step, _ in logger.of(name)] == [1, 2]
    assert logger.of("by_step") == [(4 * epoch + step, 10.0 * epoch + step) for epoch in (0, 1) for step in range(4)]
    assert [step for step, _ in logger.of("both_step")] == list(range(8))
    assert not {name for _, metrics in logger.heard for name in metrics if name.endswith("_step_epoch")} - {
        "by_step_epoch"
    }


# its metrics


class Measured(L.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.best, self.mean, self.all, self.unused = MaxMetric(), MeanMetric(), CatMetric(), MaxMetric()


def test_torchmetrics_go_on_from_their_states(tmp_path: Path) -> None:
    first, second = Measured(), Measured()
    for value in (3.0, 1.0):
        for metric in (first.best, first.mean, first.all):
            metric.update(value)
    second.best.update(0.0)
    assert float(second.best.compute()) == 0.0
    torch.save(metric_states(first), tmp_path / "states.ckpt")
    states = torch.load(tmp_path / "states.ckpt", weights_only=True)
    assert set(states) == {"best", "mean", "all"}
    restore_metrics(second, {**states, "gone": {}})
    assert float(second.best.compute()) == 3.0
    for metric in (second.best, second.mean, second.all):
        metric.update(2.0)
    assert (float(second.best.compute()), float(second.mean.compute())) == (3.0, 2.0)
    assert second.all.compute().tolist() == [3.0, 1.0, 2.0]
    assert second.unused._update_count == 0


class Resets(Logs):
    """Resets its best value so far before it trains, as lightning-hydra-template does."""

    def __init__(self) -> None:
        super().__init__()
        self.best = MaxMetric()

    def on_train_start(self) -> None:
        self.best.reset()

    def on_train_epoch_end(self) -> None:
        self.seen = float(self.best.compute())
        self.best.update(9.0)


def test_they_are_restored_after_the_learner_has_reset_them(tmp_path: Path) -> None:
    callback, module = ForeignLearner(), Resets()
    module.best.update(7.0)
    callback.load_state_dict(metric_states(module))
    trainer = L.Trainer(
        accelerator="cpu",
        callbacks=[callback],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        max_epochs=2,
    )
    part = Split(torch.zeros(8, 1), torch.zeros(8))
    trainer.fit(module, Batches(part, 8), Batches(part, 8))
    assert module.seen == 9.0  # 7.0 after the first epoch, and not again in the second one
    assert callback.state_dict()["best"]["updates"] == 3


def test_without_a_learner_there_is_no_state(tmp_path: Path) -> None:
    assert ForeignLearner().state_dict() == {}
