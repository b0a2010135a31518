"""Lightning's hooks as calls of a run's bar."""

from __future__ import annotations

from typing import Any

import lightning as L
from lightning.pytorch.callbacks import EarlyStopping, Timer

from tunesmith.training.callbacks.epoch_logger import EpochLogger
from tunesmith.training.first_lines import FirstLines
from tunesmith.training.record import RunRecord
from tunesmith.training.run_bar import RunBar


class BarAndLines(EpochLogger):
    """Drives a RunBar, and logs the lines above it; one callback, as each makes a step 3 % slower."""

    def __init__(self, record: RunRecord, first_lines: FirstLines, bar: RunBar) -> None:
        super().__init__(record, first_lines)
        self._bar = bar

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        super().on_train_start(trainer, pl_module)
        callbacks: list[L.Callback] = trainer.callbacks  # type: ignore[attr-defined]
        may_stop = any(isinstance(each, EarlyStopping) for each in callbacks)
        n_epochs = self._record.last_epoch or _num_epochs(trainer, callbacks)
        self._bar.start(trainer.current_epoch, n_epochs, trainer.num_training_batches, may_stop)

    def on_train_batch_end(self, *args: Any) -> None:
        self._bar.step()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        super().on_train_epoch_end(trainer, pl_module)
        self._bar.end_epoch()

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        super().on_validation_start(trainer, pl_module)
        self._bar.validate()

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        super().on_validation_end(trainer, pl_module)
        self._bar.validate(False)


def _num_epochs(trainer: L.Trainer, callbacks: list[L.Callback]) -> int | None:
    """Return how many epochs the run has; None if steps or time end it."""
    ends_otherwise = trainer.max_steps != -1 or any(isinstance(each, Timer) for each in callbacks)
    return None if ends_otherwise or trainer.max_epochs in (None, -1) else trainer.max_epochs
