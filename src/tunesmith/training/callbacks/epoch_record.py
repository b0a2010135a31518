"""Lightning's hooks as calls of the run's record."""

from __future__ import annotations

import math
from typing import Any

import lightning as L

from tunesmith.training.callbacks.end_of_epoch import OfEpochs, epoch_values
from tunesmith.training.record import RunRecord


class EpochRecord(OfEpochs):
    """Drives a RunRecord from Lightning's hooks, and ends the training when the record says so.

    All ranks compare rank zero's metrics; rank zero alone writes and reports, and tells the other ranks whether to
    stop. The name of this class is a key of every checkpoint.
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
        if _is_at_max_steps(trainer) and trainer.num_training_batches == math.inf:
            trainer.should_stop = True  # Lightning then validates; an endless stream has no other end of an epoch

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not self.has_values(trainer):
            return
        epoch = trainer.current_epoch + 1
        metrics = epoch_values(trainer.callback_metrics, self.record.objective.metric)
        metrics = trainer.strategy.broadcast(metrics)
        if trainer.is_global_zero:
            self.record.end_epoch(epoch, metrics)
            self.record.ask_to_stop(is_last=epoch == trainer.max_epochs or _is_at_max_steps(trainer))
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


def _is_at_max_steps(trainer: L.Trainer) -> bool:
    return trainer.max_steps != -1 and trainer.global_step >= trainer.max_steps
