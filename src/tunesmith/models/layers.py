"""Parts of networks beyond torch's own layers: dropout whose rate is a tensor, activations, initializers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import init
from torch.nn.modules.batchnorm import _BatchNorm

from tunesmith.errors import UserError
from tunesmith.rules import table as rule_table

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    name: getattr(nn, layer) for name, layer in rule_table.ACTIVATIONS.items()
}
INITIALIZERS: dict[str, Callable[[Tensor], Tensor]] = {
    name: getattr(init, function) for name, function in rule_table.INITIALIZERS.items()
}


class Dropout(nn.Module):
    """Dropout (Srivastava et al. 2014) whose rate is a tensor, so that networks of many rates are one computation.

    A layer of rate zero draws nothing: that is decided when it is made.
    """

    rate: Tensor

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.register_buffer("rate", torch.tensor(float(rate)), persistent=False)
        self.is_on = rate != 0

    def forward(self, inputs: Tensor) -> Tensor:
        """Zero each input with probability `rate` and scale the others to the same expectation; only in training."""
        if not (self.training and self.is_on):
            return inputs
        keep = 1 - self.rate
        return inputs * torch.rand_like(inputs).lt_(keep).div_(keep)

    def extra_repr(self) -> str:
        return f"rate={float(self.rate):g}"


def fold_older_biases(layers: nn.Sequential) -> nn.Sequential:
    """Return the layers, which take weights of version 0.1.0, too: a layer before a batch norm had a bias then.

    The batch norm's mean takes the bias up: in evaluation (Wx + b) - mean = Wx - (mean - b).
    """
    layers.register_load_state_dict_pre_hook(_fold_biases)  # type: ignore[no-untyped-call]
    return layers


def _fold_biases(layers: nn.Module, weights: dict[str, Any], prefix: str, *args: object) -> None:
    for (name, _), (norm_name, norm) in pairwise(layers.named_children()):
        if not isinstance(norm, _BatchNorm):
            continue
        mean_name = f"{prefix}{norm_name}.running_mean"
        bias, mean = weights.pop(f"{prefix}{name}.bias", None), weights.get(mean_name)
        if bias is not None and mean is not None and bias.shape == mean.shape:
            weights[mean_name] = mean - bias


def initialize(network: nn.Module, initializer: str | float) -> None:
    """Draw the weights of all linear and convolutional layers and zero their biases.

    initializer: "torch" (keep torch's own weights), a name of INITIALIZERS, or one value for every weight.
    """
    if initializer == "torch":
        return
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            if isinstance(initializer, str):
                INITIALIZERS[initializer](layer.weight)
            else:
                init.constant_(layer.weight, initializer)
            if layer.bias is not None:
                init.zeros_(layer.bias)


def per_layer(key: str, values: float | Sequence[float], num_layers: int) -> list[float]:
    """Return one value per layer from a single value or a list; raises UserError if the list has another length."""
    if isinstance(values, int | float):
        return [float(values)] * num_layers
    if len(values) != num_layers:
        raise UserError(f"{key} must be a number or {num_layers} of them, one a layer; got {list(values)}")
    return [float(value) for value in values]
