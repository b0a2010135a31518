"""Every number of a small network as a metric."""

from __future__ import annotations

import lightning as L
import torch
from torch import Tensor

from tunesmith.errors import UserError

MAX_PARAMETERS = 32


class Parameters(L.Callback):
    """Logs each parameter of a model of at most 32 numbers after each epoch, as param/NAME or param/NAME/PLACE."""

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
            logger.log_metrics(values, step=trainer.current_epoch + 1)


def _named_numbers(module: L.LightningModule) -> list[tuple[str, float]]:
    return [
        (f"param/{name.removeprefix('model.')}{place}", value)
        for name, parameter in module.named_parameters()
        for place, value in _places(parameter)
    ]


def _places(parameter: Tensor) -> list[tuple[str, float]]:
    values = parameter.detach().flatten().tolist()
    return [("" if len(values) == 1 else f"/{place}", value) for place, value in enumerate(values)]
