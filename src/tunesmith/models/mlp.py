"""Multilayer perceptron."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from tunesmith.models.layers import ACTIVATIONS, Dropout, fold_older_biases, initialize, per_layer


class Mlp(nn.Module):
    """Dropout of the inputs, hidden layers of (linear, batch norm, activation, dropout), then a linear output layer."""

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        num_layers: int,
        hidden_units: int,
        shape: str | Sequence[int],
        activation: str,
        dropout: float | Sequence[float],
        input_dropout: float,
        batch_norm: bool,
        initializer: str | float,
    ) -> None:
        """shape: see `widths`; dropout: one rate for all hidden layers, or a list of one per layer."""
        super().__init__()
        hidden = widths(num_layers, hidden_units, shape)
        sizes = [math.prod(input_shape), *hidden]
        rates = per_layer("model.dropout", dropout, len(hidden))
        layers: list[nn.Module] = [Dropout(input_dropout)]
        for (size, next_size), rate in zip(pairwise(sizes), rates, strict=True):
            layers.append(nn.Linear(size, next_size, bias=not batch_norm))  # batch norm takes a constant away
            if batch_norm:
                layers.append(nn.BatchNorm1d(next_size))
            layers += [ACTIVATIONS[activation](), Dropout(rate)]
        self.hidden = fold_older_biases(nn.Sequential(*layers))
        self.output = nn.Linear(sizes[-1], output_size)
        initialize(self, initializer)

    def forward(self, inputs: Tensor) -> Tensor:
        """inputs: (batch, *input_shape) -> (batch, output_size), float32."""
        outputs: Tensor = self.output(self.hidden(inputs.flatten(1)))
        return outputs


def widths(num_layers: int, hidden_units: int, shape: str | Sequence[int]) -> list[int]:
    """Return the units of each hidden layer.

    shape: "constant" (hidden_units each), "taper" (each layer half of the one before), or the list itself.
    """
    if not isinstance(shape, str):
        return list(shape)
    if shape == "taper":
        return [max(1, hidden_units // 2**layer) for layer in range(num_layers)]
    return [hidden_units] * num_layers
