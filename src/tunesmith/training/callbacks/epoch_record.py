"""Lightning's hooks as calls of the run's record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import lightning as L

from tunesmith.training.callbacks.end_of_epoch import OfEpochs, validates_within_epochs
from tunesmith.training.callbacks.refused import check_callbacks
from tunesmith.training.first_validation import check_is_validated
from tunesmith.training.record import RunRecord
from tunesmith.training.saving import WITHIN_EPOCH, check_is_of_epoch_end
from tunesmith.training.schedules import check_lengths
from tunesmith.training.trainer_length import TrainerLength


class EpochRecord(OfEpochs):
    """Drives a RunRecord from Lightning's hooks, and ends the training when the record says so.

    All ranks compare rank zero's metrics; rank zero alone writes and reports, and tells the other ranks whether to
    stop. The name of this class is a key of every checkpoint.
    """

    def __init__(self, record: RunRecord) -> None:
        self.record = record
        self.objective = record.objective.metric
        self.is_within_epoch = False
        self._lacks_objective = False

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        check_callbacks(trainer.callbacks)  # type: ignore[attr-defined]

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.record.start()

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if self.record.epoch == 0:
            check_is_validated(trainer)
        if pl_module.automatic_optimization:
            check_lengths(trainer.lr_scheduler_configs, TrainerLength(pl_module))
        if trainer.is_global_zero:
            self.record.open_table()

    def on_train_batch_end(self, trainer: L.Trainer, *args: Any) -> None:
        if trainer.is_global_zero:
            self.record.reporter.poll()
        if is_at_max_steps(trainer) and trainer.num_training_batches == math.inf:
            trainer.should_stop = True  # Lightning then validates; an endless stream has no other end of an epoch

    def end_validation(self, trainer: L.Trainer, values: Mapping[str, float]) -> None:
        """Record a validation inside an epoch; an objective of training may come with the epoch's end alone."""
        values = trainer.strategy.broadcast(dict(values))
        if self.objective in values:
            self._record(trainer, values)
        else:
            self._lacks_objective = True
            if trainer.is_global_zero:
                self.record.table.append(trainer.current_epoch + 1, values, trainer.global_step)
        if self.record.is_over:
            trainer.should_stop = True

    def on_train_batch_start(self, trainer: L.Trainer, *args: Any) -> None:
        self.is_within_epoch = True
        super().on_train_batch_start(trainer, *args)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.is_within_epoch = False
        epoch = trainer.current_epoch + 1
        is_never_logged = self._lacks_objective and self.objective not in trainer.callback_metrics
        if self.has_values(trainer) or is_never_logged:
            self._record(trainer, trainer.strategy.broadcast(self.values(trainer)))
        if self.record.epoch != epoch:
            return
        if trainer.is_global_zero:
            self.record.report_epoch(epoch)
            self.record.ask_to_stop(is_last=epoch == trainer.max_epochs or is_at_max_steps(trainer))
        self.record.is_stopped = trainer.strategy.broadcast(self.record.is_stopped)
        if self.record.is_over:
            trainer.should_stop = True

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.record.stop()

    def state_dict(self) -> dict[str, Any]:
        return {**self.record.state_dict(), **({WITHIN_EPOCH: True} if self.is_within_epoch else {})}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        check_is_of_epoch_end(state_dict)
        self.record.load_state_dict(state_dict)

    def _record(self, trainer: L.Trainer, values: Mapping[str, float]) -> None:
        """Record a validation: rank zero writes it, all ranks compare it."""
        take = self.record.end_validation if trainer.is_global_zero else self.record.compare
        take(trainer.current_epoch + 1, values, trainer.global_step if validates_within_epochs(trainer) else None)


def is_at_max_steps(trainer: L.Trainer) -> bool:
    return trainer.max_steps != -1 and trainer.global_step >= trainer.max_steps
