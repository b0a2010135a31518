"""One plain line per epoch, for log files and pipes."""

from __future__ import annotations

import logging

import lightning as L

log = logging.getLogger(__name__)


class EpochLogger(L.Callback):
    """Logs "epoch 3/100  train/loss 0.123 ..." after each validation."""

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.sanity_checking or not trainer.is_global_zero or not log.isEnabledFor(logging.INFO):
            return
        metrics = "  ".join(f"{name} {float(value):.4g}" for name, value in trainer.callback_metrics.items())
        log.info("epoch %d/%s  %s", trainer.current_epoch + 1, trainer.max_epochs, metrics)
