"""Convolutional network for images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from tunesmith.errors import UserError
from tunesmith.models.layers import ACTIVATIONS, Dropout, fold_older_biases, initialize


class Cnn(nn.Module):
    """Blocks of (convolution, batch norm, activation, max pooling, dropout), one per channels, then a linear layer."""

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        channels: Sequence[int],
        kernel_size: int,
        stride: int,
        padding: int,
        pooling: int,
        activation: str,
        dropout: float,
        batch_norm: bool,
        initializer: str | float,
    ) -> None:
        """pooling: size and stride of the max pooling, 1 for none.

        Raises:
            UserError: samples are not images, or too small for the number of blocks.
        """
        super().__init__()
        if len(input_shape) != 3:
            raise UserError(f"model=cnn needs images (channels, height, width); this data has samples of {input_shape}")
        layers: list[nn.Module] = []
        for size, next_size in pairwise([input_shape[0], *channels]):
            bias = not batch_norm  # batch norm takes a constant away
            layers.append(nn.Conv2d(size, next_size, kernel_size, stride, padding, bias=bias))
            if batch_norm:
                layers.append(nn.BatchNorm2d(next_size))
            layers += [ACTIVATIONS[activation](), nn.MaxPool2d(pooling), Dropout(dropout)]
        self.features = fold_older_biases(nn.Sequential(*layers))
        self.output = nn.Linear(self._num_features(input_shape), output_size)
        initialize(self, initializer)

    def forward(self, inputs: Tensor) -> Tensor:
        """inputs: (batch, channel, height, width) -> (batch, output_size), float32."""
        outputs: Tensor = self.output(self.features(inputs).flatten(1))
        return outputs

    def _num_features(self, input_shape: tuple[int, ...]) -> int:
        self.eval()  # in training, batch norm would learn from the zeros
        try:
            with torch.no_grad():
                return int(self.features(torch.zeros(1, *input_shape)).numel())
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            keys = "model.channels, kernel_size, stride, padding and pooling"
            raise UserError(f"{keys} must leave something of images of {input_shape}: {reason}") from None
        finally:
            self.train()
