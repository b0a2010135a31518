"""The parameters of a small model as metrics."""

from __future__ import annotations

import lightning as L
import torch
from torch import Tensor

from tunesmith.errors import UserError
from tunesmith.training.callbacks.end_of_epoch import axis_step

MAX_PARAMETERS = 32


class Parameters(L.Callback):
    """Logs each parameter of a model with at most 32 of them after each epoch, as param/NAME or param/NAME/INDEX."""

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        number = sum(parameter.numel() for parameter in pl_module.parameters())
        if number > MAX_PARAMETERS:
            raise UserError(f"callbacks=parameters shows models of {MAX_PARAMETERS} numbers at most; got {number}")

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.sanity_checking:
            return
        values = dict(_named_numbers(pl_module))
        trainer.callback_metrics.update({name: torch.tensor(value) for name, value in values.items()})
        for logger in trainer.loggers:
            logger.log_metrics(values, step=axis_step(trainer))


def _named_numbers(module: L.LightningModule) -> list[tuple[str, float]]:
    return [
        (f"param/{name.removeprefix('model.')}{suffix}", value)
        for name, parameter in module.named_parameters()
        for suffix, value in _indexed(parameter)
    ]


def _indexed(parameter: Tensor) -> list[tuple[str, float]]:
    """Return each number with \"/INDEX\", counted over the flat tensor; a parameter of one number needs no index."""
    values = parameter.detach().flatten().tolist()
    return [("" if len(values) == 1 else f"/{index}", value) for index, value in enumerate(values)]
