"""Layers of our own: dropout by a tensor, initial weights, values given per layer."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from tunesmith.errors import UserError
from tunesmith.models.layers import INITIALIZERS, Dropout, fold_older_biases, initialize, per_layer

ONES = torch.ones(100_000)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


# dropout


def test_dropout_zeroes_its_rate_of_inputs_and_keeps_their_expectation() -> None:
    outputs = Dropout(0.3)(ONES)
    assert (outputs == 0).float().mean().item() == pytest.approx(0.3, abs=0.005)
    torch.testing.assert_close(outputs.unique(), torch.tensor([0, 1 / 0.7]))


def test_each_sample_is_dropped_out_by_its_own_draw() -> None:
    first, second = Dropout(0.5)(torch.ones(2, 100))
    assert not torch.equal(first, second)


def test_dropout_leaves_evaluation_alone() -> None:
    assert torch.equal(Dropout(0.3).eval()(ONES), ONES)


@pytest.mark.parametrize("rate", [0, 0.0], ids=repr)
def test_dropout_of_rate_zero_changes_nothing(rate: float) -> None:
    inputs = torch.randn(1000)
    before = torch.get_rng_state()
    assert Dropout(rate)(inputs) is inputs
    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_draws_one_number_for_each_input() -> None:
    inputs, layer = torch.randn(1000, requires_grad=True), Dropout(0.3)
    outputs = layer(inputs)
    torch.manual_seed(0)
    inputs = torch.randn(1000)
    mask = (torch.rand_like(inputs) < 1 - layer.rate).to(inputs.dtype) / (1 - layer.rate)
    assert torch.equal(outputs, inputs * mask)


def test_the_rate_is_a_tensor_that_no_checkpoint_holds() -> None:
    layer = Dropout(0.3)
    assert isinstance(layer.rate, Tensor)
    assert layer.state_dict() == {}


def test_rates_of_many_networks_side_by_side_are_one_computation() -> None:
    layer, rates = Dropout(0.3), torch.tensor([0.0, 0.25, 0.9])
    outputs = functional_call(layer, {"rate": rates[:, None]}, (ONES.expand(3, -1),))
    torch.testing.assert_close((outputs == 0).float().mean(1), rates, atol=0.005, rtol=0)


@pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")  # torch has no rule for lt_
def test_networks_of_many_rates_are_one_computation() -> None:
    layer, rates = Dropout(0.3), torch.tensor([0.0, 0.25, 0.9])
    outputs = vmap(lambda rate: functional_call(layer, {"rate": rate}, (ONES,)), randomness="different")(rates)
    torch.testing.assert_close((outputs == 0).float().mean(1), rates, atol=0.005, rtol=0)
    torch.testing.assert_close(outputs.mean(1), torch.ones(3), atol=0.02, rtol=0)


# weights of before

IMAGES = torch.randn(6, 2, 5, 5, generator=torch.Generator().manual_seed(0))


def block(has_biases: bool, width: int = 4) -> nn.Sequential:
    """A convolution and a linear layer, each before a batch norm, and a linear layer before none."""
    layers = [
        *(nn.Conv2d(2, width, 3, bias=has_biases), nn.BatchNorm2d(width), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(9 * width, 3, bias=has_biases), nn.BatchNorm1d(3), nn.Linear(3, 2)),
    ]
    return nn.Sequential(*layers) if has_biases else fold_older_biases(nn.Sequential(*layers))


def older() -> nn.Sequential:
    """A network with biases before its batch norms, which have seen a few batches."""
    network = block(has_biases=True)
    for _ in range(5):
        network(IMAGES)
    return network.eval()


@pytest.mark.parametrize("prefix", ["", "model.features."], ids=["alone", "a part of a module"])
def test_biases_before_a_batch_norm_become_a_part_of_its_mean(prefix: str) -> None:
    network, new = older(), block(has_biases=False).eval()
    weights = {f"{prefix}{name}": value for name, value in network.state_dict().items()}
    before = {name: value.clone() for name, value in weights.items()}
    whole = nn.ModuleDict({"model": nn.ModuleDict({"features": new})}) if prefix else new
    whole.load_state_dict(weights)
    torch.testing.assert_close(new(IMAGES), network(IMAGES), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(weights, before, rtol=0, atol=0)


def test_weights_without_such_biases_load_as_they_are() -> None:
    new = block(has_biases=False)
    weights = {name: value for name, value in older().state_dict().items() if name in new.state_dict()}
    new.load_state_dict(weights)
    torch.testing.assert_close(dict(new.state_dict()), weights, rtol=0, atol=0)


def test_biases_of_another_width_leave_the_mean_to_the_error() -> None:
    with pytest.raises(RuntimeError, match=r"size mismatch for 1\.running_mean"):
        block(has_biases=False, width=7).load_state_dict(older().state_dict())


# initial weights


@pytest.mark.parametrize(
    "layer",
    [pytest.param(nn.Linear(300, 200), id="linear"), pytest.param(nn.Conv2d(12, 16, kernel_size=5), id="convolution")],
)
@pytest.mark.parametrize(
    ("initializer", "variance"),
    [
        pytest.param("he", lambda fan_in, fan_out: 2 / fan_in, id="he"),
        pytest.param("xavier", lambda fan_in, fan_out: 2 / (fan_in + fan_out), id="xavier"),
        pytest.param("zeros", lambda fan_in, fan_out: 0, id="zeros"),
    ],
)
def test_variance_of_initial_weights(
    layer: nn.Linear | nn.Conv2d, initializer: str, variance: Callable[[int, int], float]
) -> None:
    initialize(layer, initializer)
    fan_in, fan_out = layer.weight[0].numel(), layer.weight[:, 0].numel()
    assert layer.weight.var().item() == pytest.approx(variance(fan_in, fan_out), rel=0.05)
    assert abs(layer.weight.mean().item()) < 0.01


def test_orthogonal_weights_keep_lengths() -> None:
    layer = nn.Linear(8, 8, bias=False)
    initialize(layer, "orthogonal")
    inputs = torch.randn(5, 8)
    torch.testing.assert_close(layer(inputs).norm(dim=1), inputs.norm(dim=1))


@pytest.mark.parametrize("value", [0.5, -2], ids=repr)
def test_a_number_is_every_weights_value(value: float) -> None:
    layer = nn.Linear(3, 2)
    initialize(layer, value)
    assert layer.weight.unique().tolist() == [value]


@pytest.mark.parametrize("initializer", [*INITIALIZERS, 0.5], ids=str)
def test_biases_are_zero_and_norms_stay_as_they_are(initializer: str | float) -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 3))
    initialize(network, initializer)
    assert not network[0].bias.any()
    assert not network[3].bias.any()
    assert network[1].weight.tolist() == [1] * 4


def test_torch_leaves_layers_as_torch_makes_them() -> None:
    layer = nn.Linear(3, 2)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    initialize(layer, "torch")
    torch.testing.assert_close(dict(layer.state_dict()), before, rtol=0, atol=0)


# values per layer


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(0.5, [0.5, 0.5, 0.5], id="one for all"),
        pytest.param([0.3, 0, 0.2], [0.3, 0.0, 0.2], id="one a layer"),
    ],
)
def test_values_per_layer(values: float | list[float], expected: list[float]) -> None:
    assert per_layer("model.dropout", values, 3) == expected


@pytest.mark.parametrize("values", [[0.1, 0.2], [0.1] * 4, []], ids=str)
def test_a_list_of_another_length_than_the_layers_is_refused(values: list[float]) -> None:
    message = f"model.dropout must be a number or 3 of them, one a layer; got {values}"
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        per_layer("model.dropout", values, 3)
