"""One plain line per epoch, for log files and pipes."""

from __future__ import annotations

import logging

import lightning as L

from tunesmith.training.callbacks.end_of_epoch import EndOfEpoch, epoch_values, has_validation

log = logging.getLogger(__name__)


class EpochLogger(EndOfEpoch):
    """Logs "epoch 3/100  train/loss 0.123 ..." after each epoch that is validated, as metrics.csv has them."""

    def __init__(self, objective: str = "") -> None:
        self.objective = objective
        self._is_validated = False

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._is_validated = False

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._is_validated = True

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not trainer.is_global_zero or not log.isEnabledFor(logging.INFO):
            return
        if has_validation(trainer) and not self._is_validated:  # the values of an earlier validation are still there
            log.info("epoch %d/%s  not validated", trainer.current_epoch + 1, trainer.max_epochs)
            return
        values = epoch_values(trainer.callback_metrics, self.objective)
        metrics = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        log.info("epoch %d/%s  %s", trainer.current_epoch + 1, trainer.max_epochs, metrics)
