"""The end of an epoch, after the learner's own hook."""

from __future__ import annotations

from collections.abc import Mapping

import lightning as L
from lightning.pytorch.callbacks import Checkpoint
from torch import Tensor

# What a learner logs by these names takes the place of Lightning's own axes in the loggers.
AXES = ("step", "epoch")


class EndOfEpoch(Checkpoint):
    """A callback whose on_train_epoch_end runs after the learner's own, and so sees what that hook logs.

    Lightning lets only subclasses of Checkpoint and EarlyStopping wait for the learner.
    """


class OfEpochs(EndOfEpoch):
    """Knows at the end of an epoch whether its values are there: otherwise those of an earlier validation still are."""

    is_validated = False

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.is_validated = False

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.is_validated = True

    def has_values(self, trainer: L.Trainer) -> bool:
        """Whether the epoch has ended with a validation, or epochs have none."""
        return self.is_validated or not has_validation(trainer)


def epoch_values(metrics: Mapping[str, Tensor], objective: str) -> dict[str, float]:
    """Return an epoch's value of each metric that was logged.

    A metric that is logged by step and by epoch has three names: NAME, NAME_step and NAME_epoch; NAME stays, and any
    name that is the objective. "step" and "epoch" are axes: of the loggers, and of metrics.csv.
    """
    return {
        name: shortest(value)
        for name, value in metrics.items()
        if name == objective or not (name in AXES or is_other_form(name, metrics))
    }


def has_validation(trainer: L.Trainer) -> bool:
    """Whether epochs end with a validation; a loader that is not there yet (None) may still come."""
    return trainer.enable_validation and (trainer.val_dataloaders is None or any(trainer.num_val_batches))


def is_other_form(name: str, metrics: Mapping[str, Tensor]) -> bool:
    """Whether a name is the NAME_step or NAME_epoch of a metric that is logged as NAME as well."""
    base, separator, loader = name.partition("/dataloader_idx_")
    return any(
        base.endswith(suffix) and f"{base.removesuffix(suffix)}{separator}{loader}" in metrics
        for suffix in ("_step", "_epoch")
    )


def shortest(value: Tensor) -> float:
    """Return the float with the fewest digits that is this value in its own precision: 0.001, not 0.00100000005."""
    return float(str(value.detach().cpu().numpy()))
