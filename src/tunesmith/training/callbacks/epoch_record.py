"""At the end of each epoch: the objective is read, recorded, compared and reported."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import lightning as L
from torch import Tensor

from tunesmith.errors import RunFailed, UserError, closest
from tunesmith.objective import BestSoFar, Objective
from tunesmith.reporting import Reporter
from tunesmith.run_folder import MetricsTable


class EpochRecord(L.Callback):
    """Keeps metrics.csv and the best epoch, tells the reporter, and stops the run when it says so.

    All ranks of a run come to the same.

    Attributes:
        epoch: epochs trained and validated, counted from 1 and over all attempts.
        seconds: wall clock of training, over all attempts.
        failure: why the run has to end as failed, where it does.
        is_stopped: whether the reporter stopped the run.
    """

    def __init__(self, folder: Path, objective: Objective, reporter: Reporter) -> None:
        self.folder = folder
        self.objective = objective
        self.reporter = reporter
        self.best = BestSoFar(objective)
        self.epoch = 0
        self.metrics: dict[str, float] = {}
        self.failure: RunFailed | None = None
        self.is_stopped = False
        self._seconds_before = 0.0
        self._started = time.monotonic()
        self._ended: float | None = None

    @property
    def seconds(self) -> float:
        return self._seconds_before + (self._ended or time.monotonic()) - self._started

    @property
    def state(self) -> str:
        """How a run that has reached its end has ended, in Optuna's words."""
        return "FAIL" if self.failure else "PRUNED" if self.is_stopped else "COMPLETE"

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._started = time.monotonic()

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.is_global_zero:
            self.table = MetricsTable(self.folder, keep_epochs=self.epoch)

    def on_train_batch_end(self, trainer: L.Trainer, *args: Any) -> None:
        if trainer.is_global_zero:
            self.reporter.poll()

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.sanity_checking or (not trainer.training and not trainer.validating):
            return
        self.epoch = trainer.current_epoch + 1
        self.metrics = {name: shortest(value) for name, value in trainer.callback_metrics.items()}
        value = self._objective_value()
        if trainer.is_global_zero:
            self.table.append(self.epoch, self.metrics)
        if not math.isfinite(value):
            self.failure = RunFailed(f"{self.objective.metric} was {value} at epoch {self.epoch}")
        self.best.update(value, self.epoch)
        if self.failure is None and self._is_told_to_stop(trainer, value):
            self.is_stopped = self.epoch != trainer.max_epochs  # a run at its end has nothing left to save
        if self.failure or self.is_stopped:
            trainer.should_stop = True

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._ended = time.monotonic()

    def _is_told_to_stop(self, trainer: L.Trainer, value: float) -> bool:
        """Let the first rank alone ask the reporter, and all of them stop after the same epoch."""
        stop = False
        if trainer.is_global_zero:
            self.reporter.report(self.epoch, value)
            stop = self.reporter.should_stop()
        return trainer.strategy.broadcast(stop)

    def _objective_value(self) -> float:
        """Raises UserError where the metric is not among the logged ones."""
        if self.objective.metric not in self.metrics:
            hint = closest(self.objective.metric, self.metrics)
            raise UserError(f"objective.metric must be a logged metric; got '{self.objective.metric}'{hint}")
        return self.metrics[self.objective.metric]

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "seconds": self.seconds, "best": self.best.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.epoch = int(state_dict["epoch"])
        self._seconds_before = float(state_dict["seconds"])
        self.best.load_state_dict(state_dict["best"])


def shortest(value: Tensor) -> float:
    """Return the float with the fewest digits that is this value in its own precision: 0.001, not 0.00100000005."""
    return float(str(value.detach().cpu().numpy()))
