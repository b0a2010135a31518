"""Segmentation: a class for each pixel."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tunesmith.training.learner import Supervised


class Denoiser(Supervised):
    """Tells ink (class 1) from paper (class 0) in noisy images; model: (batch, 1, h, w) -> (batch, 2, h, w)."""

    def __init__(self, noise: float, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.noise = noise

    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor]:
        images, _ = batch
        mask = (images[:, 0] > 0).long()  # (batch, h, w)
        outputs = self.model(images + self.noise * torch.randn_like(images))
        return self.loss(outputs, mask), outputs, mask
