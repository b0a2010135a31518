"""Lightning's hooks as calls of the run's record."""

from __future__ import annotations

from typing import Any

import lightning as L
from torch import Tensor

from tunesmith.training.record import RunRecord


class EpochRecord(L.Callback):
    """Drives a RunRecord from Lightning's hooks, and ends the training when the record says so.

    All ranks compare; rank zero alone writes and reports, and tells the other ranks whether to stop. The name of this
    class is a key of every checkpoint.
    """

    def __init__(self, record: RunRecord) -> None:
        self.record = record

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.record.start()

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.is_global_zero:
            self.record.open_table()

    def on_train_batch_end(self, trainer: L.Trainer, *args: Any) -> None:
        if trainer.is_global_zero:
            self.record.reporter.poll()

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.sanity_checking:
            return
        epoch = trainer.current_epoch + 1
        metrics = {name: shortest(value) for name, value in trainer.callback_metrics.items()}
        if trainer.is_global_zero:
            self.record.end_epoch(epoch, metrics)
            self.record.ask_to_stop(is_last=epoch == trainer.max_epochs)
        else:
            self.record.compare(epoch, metrics)
        self.record.is_stopped = trainer.strategy.broadcast(self.record.is_stopped)
        if self.record.is_over:
            trainer.should_stop = True

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.record.stop()

    def state_dict(self) -> dict[str, Any]:
        return self.record.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.record.load_state_dict(state_dict)


def shortest(value: Tensor) -> float:
    """Return the float with the fewest digits that is this value in its own precision: 0.001, not 0.00100000005."""
    return float(str(value.detach().cpu().numpy()))
