"""One linear layer over flattened inputs."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tunesmith.models.linear import Linear


def linear(**changes: Any) -> Linear:
    return Linear(**{"input_shape": (2, 3), "output_size": 4, "bias": True, "initializer": "torch", **changes})


@pytest.mark.parametrize("shape", [(6,), (2, 3)], ids=str)
def test_inputs_of_any_shape_are_taken(shape: tuple[int, ...]) -> None:
    assert linear(input_shape=shape)(torch.zeros(7, *shape)).shape == (7, 4)


def test_it_is_linear() -> None:
    torch.manual_seed(0)
    model, a, b = linear(), torch.randn(1, 2, 3), torch.randn(1, 2, 3)
    torch.testing.assert_close(model(a + b), model(a) + model(b) - model(0 * a))


@pytest.mark.parametrize(("bias", "parameters"), [(True, 4 * 6 + 4), (False, 4 * 6)], ids=str)
def test_the_bias_can_be_left_out(bias: bool, parameters: int) -> None:
    assert sum(parameter.numel() for parameter in linear(bias=bias).parameters()) == parameters


def test_every_weight_can_start_at_a_number() -> None:
    assert linear(bias=False, initializer=5)(torch.ones(1, 6)).tolist() == [[30.0] * 4]
