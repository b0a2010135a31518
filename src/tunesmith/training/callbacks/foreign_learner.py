"""A LightningModule that is not ours: what it logs by step becomes a value of the epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor

# Where a ModelCheckpoint of the learner's own writes, so that checkpoints/ stays ours.
OWN_CHECKPOINTS = "model_checkpoints"


class ForeignLearner(L.Callback):
    """Lets curves, record and schedules see one value per epoch of whatever a learner logs.

    A metric that training logs by step alone gets its mean over the epoch's batches. Metrics of an epoch reach the
    loggers with the epoch as step, so that runs of all batch sizes share one axis; those of a step keep theirs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._last: dict[str, Tensor] = {}

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        for callback in trainer.checkpoint_callbacks:
            if isinstance(callback, ModelCheckpoint) and callback.dirpath is None:
                callback.dirpath = str(self.folder / OWN_CHECKPOINTS)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._sums, self._counts = {}, {}
        self._last = dict(trainer.callback_metrics)

    def on_train_batch_end(self, trainer: L.Trainer, *args: Any) -> None:
        """Sum what this step logged: the values that are not those of the last step or epoch."""
        metrics = trainer.callback_metrics
        for name, value in metrics.items():
            if self._last.get(name) is not value:
                self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value.detach()
                self._counts[name] = self._counts.get(name, 0) + 1
        self._last = dict(metrics)
        if trainer.is_last_batch:
            metrics.update({name: total / self._counts[name] for name, total in self._sums.items()})

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._log_axis(trainer, pl_module)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._log_axis(trainer, pl_module)

    def _log_axis(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log "step", which Lightning takes as the loggers' axis."""
        if trainer.loggers and not trainer.sanity_checking:
            pl_module.log("step", float(trainer.current_epoch + 1))
