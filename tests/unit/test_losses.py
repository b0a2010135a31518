"""The loss that fits itself to the targets."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tunesmith.losses import AutoLoss


@pytest.mark.parametrize(
    ("outputs", "targets", "loss"),
    [
        pytest.param(torch.zeros(2, 4), torch.tensor([0, 3]), math.log(4), id="classes: cross entropy"),
        pytest.param(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 5.0]), 4.5, id="numbers: mean squared error"),
    ],
)
def test_auto_loss(outputs: Tensor, targets: Tensor, loss: float) -> None:
    assert AutoLoss()(outputs, targets).item() == pytest.approx(loss)
