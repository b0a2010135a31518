"""What a model and a loss return at the first batch: anything but a tensor that can be trained on is one line."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tunesmith.errors import UserError


def check_is_tensor(outputs: Any, model: object) -> None:
    """Raise UserError unless a model's outputs are one tensor of real numbers."""
    name = type(model).__qualname__
    if not isinstance(outputs, Tensor):
        raise UserError(
            f"model._target_ must put out one tensor; got {_described(outputs)} from {name}: let forward return the "
            "outputs alone, or choose a learner whose step takes what it returns"
        )
    if not outputs.is_floating_point():
        raise UserError(f"model._target_ must put out real numbers; got {outputs.dtype} from {name}")


def check_loss_value(loss: Any, outputs: Any, model: nn.Module, key: str, is_trained: bool) -> None:
    """Check the loss of a part's first batch.

    key: of the node that makes the loss; is_trained: whether the loss is one to take a gradient of.

    Raises:
        UserError: the loss is not one number, or does not depend on the model's parameters.
    """
    if not isinstance(loss, Tensor) or loss.ndim > 0:
        raise UserError(f"{key} must give one number, a tensor of shape (); got {_described(loss)}: return its mean")
    if not is_trained or loss.requires_grad or not torch.is_grad_enabled():
        return
    if not any(parameter.requires_grad for parameter in model.parameters()):
        name = type(model).__qualname__
        raise UserError(f"model._target_ must have parameters to train; got {name}, whose requires_grad is False")
    is_of_model = isinstance(outputs, Tensor) and not outputs.requires_grad
    what = "model._target_ must put out what" if is_of_model else f"{key} must give a loss that"
    raise UserError(
        f"{what} depends on the parameters; got a tensor without a gradient: leave out detach(), no_grad(), item() and "
        "argmax()"
    )


def _described(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, tuple | list | dict):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"
