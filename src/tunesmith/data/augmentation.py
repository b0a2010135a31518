"""Random changes of training images, on the batch and on the device."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


class Augmentation:
    """Rotates, shifts, scales and mirrors each image of a batch by its own random draw.

    rotation: up to so many degrees either way; shift: up to this fraction of height and width;
    scale: up to this fraction larger or smaller; flip: probability of the mirror image.
    """

    def __init__(self, rotation: float, shift: float, scale: float, flip: float) -> None:
        self.rotation = rotation
        self.shift = shift
        self.scale = scale
        self.flip = flip

    def __bool__(self) -> bool:
        """Whether it changes anything."""
        return any((self.rotation, self.shift, self.scale, self.flip))

    def __call__(self, images: Tensor) -> Tensor:
        """images: (batch, channel, height, width), float32; pixels from outside repeat the nearest border."""
        grid = functional.affine_grid(self._transforms(images), list(images.shape), align_corners=False)
        return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)

    def _transforms(self, images: Tensor) -> Tensor:
        """Return affine matrices from output to input coordinates, (batch, 2, 3); an image spans -1 to 1."""
        draws = 2 * torch.rand(4, len(images), device=images.device, dtype=images.dtype) - 1
        angle = draws[0] * math.radians(self.rotation)
        size = 1 / (1 + draws[1] * self.scale)  # of the part of the image that is shown
        aspect = images.shape[2] / images.shape[3]
        mirror = 1 - 2 * (torch.rand_like(angle) < self.flip).to(images.dtype)
        shift_x, shift_y = 2 * self.shift * draws[2], 2 * self.shift * draws[3]
        cos, sin = size * angle.cos(), size * angle.sin()
        rows = (
            torch.stack((mirror * cos, -sin * aspect, shift_x), 1),
            torch.stack((mirror * sin / aspect, cos, shift_y), 1),
        )
        return torch.stack(rows, 1)
