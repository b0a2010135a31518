"""One linear layer."""

from __future__ import annotations

import math

from torch import Tensor, nn

from tunesmith.models.layers import initialize


class Linear(nn.Module):
    """Logistic regression for classes, linear regression for numbers."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int, bias: bool, initializer: str | float) -> None:
        super().__init__()
        self.output = nn.Linear(math.prod(input_shape), output_size, bias=bias)
        initialize(self, initializer)

    def forward(self, inputs: Tensor) -> Tensor:
        """inputs: (batch, *input_shape) -> (batch, output_size), float32."""
        outputs: Tensor = self.output(inputs.flatten(1))
        return outputs
