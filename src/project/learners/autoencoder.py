"""Autoencoder: the target of a sample is the sample."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from tunesmith.training.learner import Supervised


class Autoencoder(Supervised):
    """Trains a model to put out its flattened inputs; classes of the data are not used."""

    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor]:
        inputs = batch[0].flatten(1)
        outputs = self.model(inputs)
        return self.loss(outputs, inputs), outputs, inputs
