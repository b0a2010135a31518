"""A run's numbers in single precision are those of the tensors that Lightning holds."""

from __future__ import annotations

import math

import pytest
import torch

from tunesmith.training.callbacks.end_of_epoch import shortest
from tunesmith.training.float32 import as_float32, shortest_float32

VALUES = [0.1, 1 / 3, 0.001, 2e-5, 1e-45, 123456789.0, 1e22, 1.5, 0.0, -0.7, 1e39, -math.inf, 1]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_rounded_as_a_tensor_rounds_it(value: float) -> None:
    assert as_float32(value) == torch.tensor(value).float().item()


@pytest.mark.parametrize("value", VALUES)
def test_the_digits_are_those_that_are_written_for_a_tensor(value: float) -> None:
    assert repr(shortest_float32(value)) == repr(shortest(torch.tensor(value).float()))


def test_nan_stays() -> None:
    assert math.isnan(as_float32(math.nan))
    assert math.isnan(shortest_float32(math.nan))
