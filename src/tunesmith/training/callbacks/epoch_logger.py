"""One plain line per epoch, for log files and pipes."""

from __future__ import annotations

import logging

import lightning as L

from tunesmith.training.callbacks.end_of_epoch import OfEpochs, epoch_values

log = logging.getLogger(__name__)


class EpochLogger(OfEpochs):
    """Logs "epoch 3/100  train/loss 0.123 ..." after each epoch that is validated, as metrics.csv has them."""

    def __init__(self, objective: str = "") -> None:
        self.objective = objective

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not trainer.is_global_zero or not log.isEnabledFor(logging.INFO):
            return
        if not self.has_values(trainer):
            log.info("epoch %d/%s  not validated", trainer.current_epoch + 1, trainer.max_epochs)
            return
        values = epoch_values(trainer.callback_metrics, self.objective)
        metrics = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        log.info("epoch %d/%s  %s", trainer.current_epoch + 1, trainer.max_epochs, metrics)
