"""The multilayer perceptron: what its arguments build."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from tunesmith.errors import UserError
from tunesmith.models.layers import ACTIVATIONS, Dropout
from tunesmith.models.mlp import Mlp


def mlp(**changes: Any) -> Mlp:
    arguments: dict[str, Any] = {
        "input_shape": (2, 3),
        "output_size": 4,
        "num_layers": 2,
        "hidden_units": 5,
        "shape": "constant",
        "activation": "relu",
        "dropout": 0.0,
        "input_dropout": 0.0,
        "batch_norm": False,
        "initializer": "torch",
    }
    return Mlp(**{**arguments, **changes})


def linear_sizes(model: nn.Module) -> list[tuple[int, int]]:
    return [(layer.in_features, layer.out_features) for layer in model.modules() if isinstance(layer, nn.Linear)]


def rates(model: nn.Module) -> list[float]:
    return [round(layer.rate.item(), 6) for layer in model.modules() if isinstance(layer, Dropout)]


@pytest.mark.parametrize("shape", [(6,), (2, 3), (1, 2, 3)], ids=str)
def test_inputs_of_any_shape_are_taken(shape: tuple[int, ...]) -> None:
    assert mlp(input_shape=shape)(torch.zeros(7, *shape)).shape == (7, 4)


@pytest.mark.parametrize(
    ("num_layers", "hidden_units", "shape", "sizes"),
    [
        pytest.param(1, 5, "constant", [(6, 5), (5, 4)], id="one hidden layer"),
        pytest.param(3, 5, "constant", [(6, 5), (5, 5), (5, 5), (5, 4)], id="three alike"),
        pytest.param(3, 20, "taper", [(6, 20), (20, 10), (10, 5), (5, 4)], id="each half of the one before"),
        pytest.param(3, 2, "taper", [(6, 2), (2, 1), (1, 1), (1, 4)], id="never less than one unit"),
        pytest.param(1, 5, [7, 3], [(6, 7), (7, 3), (3, 4)], id="a list says all"),
    ],
)
def test_sizes(num_layers: int, hidden_units: int, shape: str | list[int], sizes: list[tuple[int, int]]) -> None:
    assert linear_sizes(mlp(num_layers=num_layers, hidden_units=hidden_units, shape=shape)) == sizes


@pytest.mark.parametrize(
    ("shape", "parameters"), [([4], 17), ([32], 129), ([4, 4, 4], 57), ([16, 16], 337)], ids=lambda value: f"2-{value}"
)
def test_nets_for_xor_have_as_many_parameters_as_those_of_the_lecture(shape: list[int], parameters: int) -> None:
    model = mlp(input_shape=(2,), output_size=1, shape=shape)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


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


@pytest.mark.parametrize(
    ("dropout", "input_dropout", "expected"),
    [
        pytest.param(0.5, 0.1, [0.1, 0.5, 0.5, 0.5], id="one rate for the hidden layers"),
        pytest.param([0.3, 0.0, 0.2], 0.0, [0.0, 0.3, 0.0, 0.2], id="one a layer"),
    ],
)
def test_dropout_rates(dropout: float | list[float], input_dropout: float, expected: list[float]) -> None:
    assert rates(mlp(num_layers=3, dropout=dropout, input_dropout=input_dropout)) == expected


def test_a_rate_too_few_is_refused() -> None:
    message = r"^model\.dropout must be a number or 3 of them, one a layer; got \[0\.3, 0\.2\]$"
    with pytest.raises(UserError, match=message):
        mlp(shape=[8, 4, 2], dropout=[0.3, 0.2])


@pytest.mark.parametrize("key", ["dropout", "input_dropout"])
def test_dropout_acts_in_training_only(key: str) -> None:
    torch.manual_seed(0)
    model, inputs = mlp(**{key: 0.5}, hidden_units=64), torch.randn(3, 6)
    assert not torch.equal(model(inputs), model(inputs))
    model.eval()
    assert torch.equal(model(inputs), model(inputs))


@pytest.mark.parametrize("batch_norm", [True, False], ids=str)
def test_a_layer_before_a_batch_norm_has_no_bias(batch_norm: bool) -> None:
    layers = [layer for layer in mlp(batch_norm=batch_norm).hidden if isinstance(layer, nn.Linear)]
    assert [layer.bias is None for layer in layers] == [batch_norm] * 2


def test_weights_of_a_net_with_biases_before_its_batch_norms_load() -> None:
    model = mlp(batch_norm=True)
    biases = {f"hidden.{index}.bias": torch.ones(size) for index, size in ((1, 5), (5, 5))}
    model.load_state_dict({**model.state_dict(), **biases})
    norms = [layer for layer in model.modules() if isinstance(layer, nn.BatchNorm1d)]
    assert [norm.running_mean.tolist() for norm in norms] == [[-1.0] * size for _, size in ((1, 5), (5, 5))]


def test_weights_start_as_the_initializer_says() -> None:
    model = mlp(initializer="zeros")
    assert not any(parameter.any() for parameter in model.parameters())
