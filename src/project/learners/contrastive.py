"""Contrastive pairs (SimCLR, Chen et al. 2020, arXiv:2002.05709): two noisy views of a sample belong together."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from tunesmith.training.learner import Supervised


class Contrastive(Supervised):
    """Trains codes by which the other view of a sample is found among all views of the batch; val/acc: how often."""

    def __init__(self, noise: float, temperature: float, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.noise = noise
        self.temperature = temperature

    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor]:
        views = torch.cat([batch[0], batch[0]])
        codes = functional.normalize(self.model(views + self.noise * torch.randn_like(views)), dim=1)
        similarity = (codes @ codes.T / self.temperature).fill_diagonal_(-torch.inf)  # (views, views)
        partners = torch.arange(len(views), device=views.device).roll(len(batch[0]))
        return functional.cross_entropy(similarity, partners), similarity, partners
