"""One plain line per epoch of a Trainer."""

from __future__ import annotations

from collections.abc import Mapping

import lightning as L

from tunesmith.training.callbacks.end_of_epoch import OfEpochs, validates_within_epochs
from tunesmith.training.epoch_line import log_epoch_line


class EpochLogger(OfEpochs):
    """Logs "epoch 3/100  train/loss 0.123 ..." after each epoch that is validated, as metrics.csv has them.

    If an epoch may have several validations, "epoch 3/100  step 25 ..." after each of them.
    """

    def __init__(self, objective: str = "") -> None:
        self.objective = objective
        self._num_shown = 0

    def end_validation(self, trainer: L.Trainer, values: Mapping[str, float]) -> None:
        self._num_shown += 1
        self._log(trainer, values)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if self.has_values(trainer):
            self._log(trainer, self.values(trainer))
        elif self._num_shown == 0:
            self._log(trainer, {})
        self._num_shown = 0

    def _log(self, trainer: L.Trainer, values: Mapping[str, float]) -> None:
        if trainer.is_global_zero:
            step = trainer.global_step if validates_within_epochs(trainer) else None
            log_epoch_line(trainer.current_epoch + 1, trainer.max_epochs, values, step)
