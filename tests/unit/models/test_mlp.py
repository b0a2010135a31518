"""The multilayer perceptron: what its arguments build."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from tunesmith.models.mlp import ACTIVATIONS, Mlp


def mlp(**changes: Any) -> Mlp:
    arguments: dict[str, Any] = {
        "input_shape": (2, 3),
        "output_size": 4,
        "num_layers": 2,
        "hidden_units": 5,
        "activation": "relu",
        "dropout": 0.0,
        "batch_norm": False,
    }
    return Mlp(**{**arguments, **changes})


def linear_sizes(model: nn.Module) -> list[tuple[int, int]]:
    return [(part.in_features, part.out_features) for part in model.modules() if isinstance(part, nn.Linear)]


@pytest.mark.parametrize("shape", [(6,), (2, 3), (1, 2, 3)], ids=str)
def test_inputs_of_any_shape_are_taken(shape: tuple[int, ...]) -> None:
    assert mlp(input_shape=shape)(torch.zeros(7, *shape)).shape == (7, 4)


@pytest.mark.parametrize(
    ("num_layers", "sizes"),
    [
        pytest.param(1, [(6, 5), (5, 4)], id="one"),
        pytest.param(3, [(6, 5), (5, 5), (5, 5), (5, 4)], id="three"),
    ],
)
def test_num_layers_counts_the_hidden_ones(num_layers: int, sizes: list[tuple[int, int]]) -> None:
    assert linear_sizes(mlp(num_layers=num_layers)) == sizes


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_bends(name: str) -> None:
    torch.manual_seed(0)
    model = mlp(activation=name)
    inputs = 100 * torch.randn(1, 6)
    assert not torch.allclose(model(inputs) + model(-inputs), 2 * model(0 * inputs), atol=1e-3)


def test_batch_norm_makes_the_scale_of_inputs_not_matter() -> None:
    torch.manual_seed(0)
    model = mlp(batch_norm=True)
    inputs = torch.randn(8, 6)
    torch.testing.assert_close(model(1000 * inputs), model(100 * inputs), rtol=1e-3, atol=1e-3)


def test_dropout_acts_in_training_only() -> None:
    torch.manual_seed(0)
    model, inputs = mlp(dropout=0.5, hidden_units=64), torch.randn(3, 6)
    assert not torch.equal(model(inputs), model(inputs))
    model.eval()
    assert torch.equal(model(inputs), model(inputs))
