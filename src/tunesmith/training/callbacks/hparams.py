"""TensorBoard's HPARAMS page: a session is written when the training ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lightning as L

from tunesmith.training.loggers import log_hparams
from tunesmith.training.record import RunRecord


class Hparams(L.Callback):
    """Writes one HPARAMS session when a run ends, a pruned or failed trial too."""

    def __init__(self, params: Mapping[str, Any], record: RunRecord) -> None:
        self.params = params
        self.record = record

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.is_global_zero:
            best = self.record.best
            log_hparams(trainer.loggers, self.params, self.record.state, best.value, best.epoch)
