"""The end of an epoch: which of a metric's logged forms is its value, and that a learner's own hook comes first."""

from __future__ import annotations

from typing import Any

import lightning as L
import pytest
import torch
from tiny import fit
from torch import Tensor, nn
from torch.optim import SGD

from tunesmith.data.splits import Split
from tunesmith.training.callbacks.end_of_epoch import EndOfEpoch, epoch_values, shortest


def values(*names: str, objective: str = "val/loss") -> list[str]:
    return list(epoch_values({name: torch.tensor(1.0) for name in names}, objective))


@pytest.mark.parametrize(
    ("logged", "kept"),
    [
        pytest.param(["loss", "loss_step", "loss_epoch"], ["loss"], id="by step and by epoch"),
        pytest.param(["loss", "step"], ["loss"], id="the loggers' axis"),
        pytest.param(["loss", "epoch"], ["loss"], id="the axis of metrics.csv"),
        pytest.param(["time_step", "time"], ["time"], id="a step's form"),
        pytest.param(["best_epoch"], ["best_epoch"], id="a name that ends so by itself"),
        pytest.param(
            ["loss/dataloader_idx_0", "loss_epoch/dataloader_idx_0", "loss_step/dataloader_idx_1"],
            ["loss/dataloader_idx_0", "loss_step/dataloader_idx_1"],
            id="of several loaders",
        ),
    ],
)
def test_a_metric_has_one_value(logged: list[str], kept: list[str]) -> None:
    assert values(*logged) == kept


@pytest.mark.parametrize("objective", ["loss_epoch", "loss_step", "step"])
def test_the_objective_is_kept_in_whatever_form(objective: str) -> None:
    assert objective in values("loss", "loss_step", "loss_epoch", "step", objective=objective)


class LogsLate(L.LightningModule):
    """Logs in its own hook at the end of the epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return self.weight.sum()

    def on_train_epoch_end(self) -> None:
        self.log("late", float(self.current_epoch))

    def configure_optimizers(self) -> SGD:
        return SGD(self.parameters(), lr=0.25)


class Seen(EndOfEpoch):
    def __init__(self) -> None:
        self.late: list[float] = []

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.late.append(epoch_values(trainer.callback_metrics, "late")["late"])


@pytest.mark.filterwarnings("ignore:You passed in a `val_dataloader`")
def test_it_sees_what_the_learner_logs_in_its_own_hook() -> None:
    seen = Seen()
    fit(LogsLate(), Split(torch.zeros(2, 1), torch.zeros(2)), 2, seen, max_epochs=2)
    assert seen.late == [0.0, 1.0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(torch.tensor(0.001), 0.001), (torch.tensor(0.1, dtype=torch.float64), 0.1), (torch.tensor(3), 3.0)],
    ids=["float32", "float64", "an integer"],
)
def test_shortest(value: torch.Tensor, expected: float) -> None:
    assert shortest(value) == expected
