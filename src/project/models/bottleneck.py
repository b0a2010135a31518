"""A net with a narrow middle, for an autoencoder."""

from __future__ import annotations

import math

from torch import Tensor, nn


class Bottleneck(nn.Module):
    """Inputs -> units -> code -> units -> as many outputs as inputs."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int, units: int, code: int) -> None:
        super().__init__()
        size = math.prod(input_shape)
        self.encoder = nn.Sequential(nn.Linear(size, units), nn.ReLU(), nn.Linear(units, code))
        self.decoder = nn.Sequential(nn.ReLU(), nn.Linear(code, units), nn.ReLU(), nn.Linear(units, size))

    def forward(self, inputs: Tensor) -> Tensor:
        """inputs: (batch, *input_shape) -> (batch, prod(input_shape))."""
        outputs: Tensor = self.decoder(self.encoder(inputs.flatten(1)))
        return outputs
