"""A residual net, as an example of a model: python train.py model=residual"""

import math

from torch import Tensor, nn


class Residual(nn.Module):
    """num_blocks x (x + relu(linear(x))), after He et al. 2016."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int, num_blocks: int, units: int) -> None:
        """input_shape, output_size: of the data; num_blocks, units: hyperparameters, from conf/model/residual.yaml."""
        super().__init__()
        self.first = nn.Linear(math.prod(input_shape), units)
        self.blocks = nn.ModuleList(nn.Linear(units, units) for _ in range(num_blocks))
        self.output = nn.Linear(units, output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        """inputs: (batch, *input_shape) -> (batch, output_size), float32."""
        hidden = self.first(inputs.flatten(1))
        for block in self.blocks:
            hidden = hidden + block(hidden).relu()
        return self.output(hidden)
