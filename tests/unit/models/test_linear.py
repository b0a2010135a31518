"""One linear layer over flattened inputs."""

from __future__ import annotations

import pytest
import torch

from tunesmith.models.linear import Linear


@pytest.mark.parametrize("shape", [(6,), (2, 3)], ids=str)
def test_inputs_of_any_shape_are_taken(shape: tuple[int, ...]) -> None:
    assert Linear(shape, 4)(torch.zeros(7, *shape)).shape == (7, 4)


def test_it_is_linear() -> None:
    torch.manual_seed(0)
    model, a, b = Linear((2, 3), 4), torch.randn(1, 2, 3), torch.randn(1, 2, 3)
    torch.testing.assert_close(model(a + b), model(a) + model(b) - model(0 * a))
