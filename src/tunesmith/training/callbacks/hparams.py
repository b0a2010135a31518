"""TensorBoard's HPARAMS page: swept values, state and objective of a trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lightning as L
from lightning.pytorch.loggers import TensorBoardLogger

from tunesmith.training.record import RunRecord

OBJECTIVE_TAG = "objective"


class Hparams(L.Callback):
    """Writes one HPARAMS session when a trial ends, a pruned or failed one too.

    No experiment is written: TensorBoard then makes its columns from the sessions of all trials. With an experiment it
    would make them from the first one that it finds.
    """

    def __init__(self, params: Mapping[str, Any], record: RunRecord) -> None:
        self.params = params
        self.record = record

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger) and trainer.is_global_zero:
                write_hparams(logger, self.params, self.record.state, self.record.best.value, self.record.best.epoch)


def write_hparams(logger: TensorBoardLogger, params: Mapping[str, Any], state: str, value: float, step: int) -> None:
    """Write one HPARAMS session; value: the objective's, at this step (an epoch or a fold, from 1)."""
    from torch.utils.tensorboard.summary import hparams

    shown = {key: value if _is_plain(value) else str(value) for key, value in params.items()}
    _, start, end = hparams({**shown, "state": state}, {OBJECTIVE_TAG: value})  # type: ignore[no-untyped-call]
    writer = logger.experiment.file_writer
    assert writer is not None
    writer.add_summary(start)
    writer.add_summary(end)
    logger.experiment.add_scalar(OBJECTIVE_TAG, value, step)


def _is_plain(value: Any) -> bool:
    return isinstance(value, bool | int | float | str)
