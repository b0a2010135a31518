"""The lines of a Trainer's run: what it trains, then one plain line per epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sized

import lightning as L

from tunesmith.training.callbacks.end_of_epoch import OfEpochs, validates_within_epochs
from tunesmith.training.epoch_line import log_epoch_line
from tunesmith.training.first_lines import FirstLines, describe_device
from tunesmith.training.record import RunRecord


class EpochLogger(OfEpochs):
    """Logs "epoch 3/100  train/loss 0.123 ..." after each epoch that is validated, as metrics.csv has them.

    If an epoch may have several validations, "epoch 3/100  step 25 ..." after each of them. Before the first epoch it
    logs what the run says of itself.
    """

    def __init__(self, record: RunRecord, first_lines: FirstLines) -> None:
        self.objective = record.objective.metric
        self._record = record
        self._first_lines = first_lines
        self._num_shown = 0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the first lines: the record, whose hooks come before, has checked the run."""
        if trainer.is_global_zero:
            device = describe_device(trainer.strategy.root_device, trainer.world_size)
            self._first_lines.log(pl_module, device, self._record.epoch, _sizes(trainer))

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
            last_epoch = self._record.last_epoch or trainer.max_epochs
            log_epoch_line(trainer.current_epoch + 1, last_epoch, values, step, self._first_lines.fold_name)


def _sizes(trainer: L.Trainer) -> dict[str, int]:
    """Return how many samples each part has, if its loaders say so."""
    loaders = {"train": trainer.train_dataloader, "val": trainer.val_dataloaders}
    sizes = {part: _num_samples(loader) for part, loader in loaders.items()}
    return {part: size for part, size in sizes.items() if size is not None}


def _num_samples(loader: object) -> int | None:
    """Return how many samples a loader, or a list of one, says that it has; None if it does not say it."""
    if isinstance(loader, list | tuple) and len(loader) == 1:
        (loader,) = loader
    data = getattr(loader, "dataset", None)
    try:
        return len(data) if isinstance(data, Sized) else None
    except (TypeError, NotImplementedError):  # a stream whose class has a length that it does not know
        return None
