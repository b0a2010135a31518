"""Multilayer perceptron."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "leaky_relu": nn.LeakyReLU,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


class Mlp(nn.Module):
    """num_layers x (linear, batch norm, activation, dropout), then a linear output layer."""

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        num_layers: int,
        hidden_units: int,
        activation: str,
        dropout: float,
        batch_norm: bool,
    ) -> None:
        super().__init__()
        sizes = [math.prod(input_shape)] + [hidden_units] * num_layers
        layers: list[nn.Module] = []
        for size, next_size in pairwise(sizes):
            layers.append(nn.Linear(size, next_size))
            if batch_norm:
                layers.append(nn.BatchNorm1d(next_size))
            layers += [ACTIVATIONS[activation](), nn.Dropout(dropout)]
        self.hidden = nn.Sequential(*layers)
        self.output = nn.Linear(sizes[-1], output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        """inputs: (batch, *input_shape) -> (batch, output_size), float32."""
        outputs: Tensor = self.output(self.hidden(inputs.flatten(1)))
        return outputs
