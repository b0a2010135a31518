"""The end of an epoch, after the learner's own hook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Checkpoint
from torch import Tensor

from tunesmith.training.epoch_values import epoch_names


class EndOfEpoch(Checkpoint):
    """A callback whose on_train_epoch_end runs after the learner's own, and so sees what that hook logs.

    Lightning lets only subclasses of Checkpoint and EarlyStopping wait for the learner.
    """


class OfEpochs(EndOfEpoch):
    """Knows which validations an epoch has had, and their values: Lightning still holds those of earlier ones.

    A validation inside an epoch is over when the next batch starts: its callbacks and schedules have then seen it. One
    after the last batch is over when the epoch is: the learner may log until then.

    Attributes:
        objective: the metric that is known if an epoch counts.
    """

    objective = ""
    is_validated = False
    _held: Mapping[str, Tensor] = {}

    def end_validation(self, trainer: L.Trainer, values: Mapping[str, float]) -> None:
        """Take what was logged for a validation inside an epoch."""

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.is_validated = False
        self._held = dict(trainer.callback_metrics)

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Hold what training has logged by step, which is no value of the validation."""
        self._held = dict(trainer.callback_metrics)

    def on_train_batch_start(self, trainer: L.Trainer, *args: Any) -> None:
        if self.is_validated:
            self.end_validation(trainer, self.values(trainer))
            self.is_validated = False
            self._held = dict(trainer.callback_metrics)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.is_validated = not trainer.sanity_checking

    def has_values(self, trainer: L.Trainer) -> bool:
        """Whether the epoch has ended with a validation, or with an objective of training alone."""
        if validates_within_epochs(trainer) and not self.is_validated:
            return self.objective in self._new(trainer)
        return self.is_validated or not has_validation(trainer)

    def values(self, trainer: L.Trainer) -> dict[str, float]:
        """Return what was logged; if an epoch may have several validations, by the last one and after it."""
        logged = self._new(trainer) if validates_within_epochs(trainer) else trainer.callback_metrics
        return epoch_values(logged, self.objective)

    def _new(self, trainer: L.Trainer) -> dict[str, Tensor]:
        return {name: value for name, value in trainer.callback_metrics.items() if is_new(value, self._held.get(name))}


def epoch_values(metrics: Mapping[str, Tensor], objective: str) -> dict[str, float]:
    """Return an epoch's value of each metric that was logged, see epoch_names."""
    return {name: shortest(metrics[name]) for name in epoch_names(metrics, objective)}


def validates_within_epochs(trainer: L.Trainer) -> bool:
    """Whether an epoch may have several validations, or validations follow another count than that of epochs.

    An interval of 1.0 is a whole epoch, of 1 a batch.
    """
    is_epoch = isinstance(trainer.val_check_interval, float) and trainer.val_check_interval == 1.0
    return trainer.check_val_every_n_epoch is None or not is_epoch


def axis_step(trainer: L.Trainer) -> int:
    """Return where loggers show an epoch's metrics: its number from 1; the step if it may have several validations."""
    return trainer.global_step if validates_within_epochs(trainer) else trainer.current_epoch + 1


def is_new(value: Tensor, held: Tensor | None) -> bool:
    """Whether a metric was logged since it was held; Lightning hands the old tensor out again, or a view of it."""
    return held is None or held.data_ptr() != value.data_ptr()


def has_validation(trainer: L.Trainer) -> bool:
    """Whether epochs end with a validation; a loader that is not there yet (None) may still come."""
    return trainer.enable_validation and (trainer.val_dataloaders is None or any(trainer.num_val_batches))


def shortest(value: Tensor) -> float:
    """Return the float with the fewest digits that is this value in its own precision: 0.001, not 0.00100000005."""
    return float(str(value.detach().cpu().numpy()))
