"""A net that puts out a class for each pixel."""

from __future__ import annotations

from torch import Tensor, nn


class Pixels(nn.Module):
    """Two 3x3 convolutions, then num_classes numbers for each pixel."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int, channels: int, num_classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(input_shape[0], channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, num_classes, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """images: (batch, channel, height, width) -> (batch, num_classes, height, width)."""
        outputs: Tensor = self.layers(images)
        return outputs
