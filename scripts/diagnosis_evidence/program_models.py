"""A net of a user's own, as the published programs have them: what no choice of model=mlp says."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


def only_unit(outputs: Tensor) -> Tensor:
    """Return what a softmax over a single output unit gives: one, whatever comes in. (batch, 1) -> (batch, 1)."""
    return outputs[:, :1].softmax(dim=1)


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": nn.Identity(),
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "elu": nn.functional.elu,
    "softmax": nn.Softmax(dim=1),
    "only_unit": only_unit,
}


class ProgramNet(nn.Module):
    """Linear layers with an activation each, and one more behind the last of them."""

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        widths: Sequence[int],
        activation: str | Sequence[str],
        end: str,
        deviation: float | None = None,
        bias_deviation: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        """widths: of the hidden layers; activation: one for all of them, or one each; end: behind the outputs.

        deviation: of normal weights, None: uniform as Glorot and Bengio (2010) draw them, as Keras does.
        """
        super().__init__()
        sizes = [math.prod(input_shape), *widths, output_size]
        self.layers = nn.ModuleList(nn.Linear(size, next_size) for size, next_size in pairwise(sizes))
        names = [activation] * len(widths) if isinstance(activation, str) else list(activation)
        self.functions = [FUNCTIONS[name] for name in names]
        self.end = FUNCTIONS[end]
        self.dropout = nn.Dropout(dropout)
        for layer in self.layers:
            self._draw(layer.weight, layer.bias, deviation, bias_deviation)

    def _draw(self, weight: Tensor, bias: Tensor, deviation: float | None, bias_deviation: float) -> None:
        if deviation is None:
            nn.init.xavier_uniform_(weight)
        else:
            nn.init.normal_(weight, std=deviation)
        nn.init.normal_(bias, std=bias_deviation)

    def forward(self, inputs: Tensor) -> Tensor:
        """inputs: (batch, *input_shape) -> (batch, output_size)."""
        hidden = inputs.flatten(1)
        for layer, function in zip(self.layers, self.functions, strict=False):
            hidden = self.dropout(function(layer(hidden)))
        return self.end(self.layers[-1](hidden))
