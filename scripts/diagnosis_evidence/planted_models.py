"""Networks whose fault is in their own file: python train.py finds them if this folder is in PYTHONPATH."""

from __future__ import annotations

from typing import Any

import torch
from program_models import FUNCTIONS
from torch import Tensor, nn

from tunesmith.models.mlp import Mlp


class Ended(Mlp):
    """Squashes the outputs before the loss: model._target_=planted_models.Ended +model.end=softmax"""

    def __init__(self, *args: Any, end: str, **keys: Any) -> None:
        super().__init__(*args, **keys)
        self.end = FUNCTIONS[end]

    def forward(self, inputs: Tensor) -> Tensor:
        """inputs: (batch, *input_shape) -> (batch, output_size), float32."""
        return self.end(super().forward(inputs))


class Biased(Mlp):
    """Begins with a bias in every hidden layer that has one: with -20 no ReLU lets anything through."""

    def __init__(self, *args: Any, bias: float, **keys: Any) -> None:
        super().__init__(*args, **keys)
        with torch.no_grad():
            for layer in self.hidden:
                if isinstance(layer, nn.Linear) and layer.bias is not None:  # batch norm centres, so it leaves none
                    layer.bias.fill_(bias)


class Scaled(Mlp):
    """Begins with weights of so many times their usual size."""

    def __init__(self, *args: Any, gain: float, **keys: Any) -> None:
        super().__init__(*args, **keys)
        with torch.no_grad():
            for layer in self.modules():
                if isinstance(layer, nn.Linear):
                    layer.weight.mul_(gain)
