"""The convolutional network: sizes that its arguments make, and images that are none."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import nn

from tunesmith.errors import UserError
from tunesmith.models.cnn import Cnn
from tunesmith.models.layers import Dropout


def cnn(**changes: Any) -> Cnn:
    arguments: dict[str, Any] = {
        "input_shape": (1, 8, 8),
        "output_size": 10,
        "channels": [4, 6],
        "kernel_size": 3,
        "stride": 1,
        "padding": 1,
        "pooling": 2,
        "activation": "relu",
        "dropout": 0.0,
        "batch_norm": True,
        "initializer": "torch",
    }
    return Cnn(**{**arguments, **changes})


@pytest.mark.parametrize(
    ("changes", "features"),
    [
        pytest.param({}, 6 * 2 * 2, id="two blocks that halve"),
        pytest.param({"channels": [5]}, 5 * 4 * 4, id="one block"),
        pytest.param({"channels": [5], "pooling": 1}, 5 * 8 * 8, id="no pooling"),
        pytest.param({"channels": [5], "pooling": 1, "padding": 0}, 5 * 6 * 6, id="no padding"),
        pytest.param({"channels": [5], "pooling": 1, "stride": 2}, 5 * 4 * 4, id="stride"),
        pytest.param({"channels": [5], "kernel_size": 5}, 5 * 3 * 3, id="a larger kernel"),
        pytest.param({"channels": [5], "input_shape": (3, 8, 12)}, 5 * 4 * 6, id="coloured and not square"),
    ],
)
def test_sizes(changes: dict[str, Any], features: int) -> None:
    model = cnn(**changes)
    assert model.output.in_features == features
    assert model(torch.zeros(7, *changes.get("input_shape", (1, 8, 8)))).shape == (7, 10)


def test_each_block_has_its_channels_and_its_dropout() -> None:
    layers = list(cnn(dropout=0.2).modules())
    assert [layer.out_channels for layer in layers if isinstance(layer, nn.Conv2d)] == [4, 6]
    assert [layer.rate.item() for layer in layers if isinstance(layer, Dropout)] == pytest.approx([0.2, 0.2])


@pytest.mark.parametrize(("batch_norm", "norms"), [(True, 2), (False, 0)], ids=str)
def test_batch_norm_can_be_left_out(batch_norm: bool, norms: int) -> None:
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in cnn(batch_norm=batch_norm).modules()) == norms


def test_batch_norm_has_seen_nothing_before_the_first_batch() -> None:
    model = cnn()
    assert model.training
    assert [layer.num_batches_tracked.item() for layer in model.modules() if isinstance(layer, nn.BatchNorm2d)] == [
        0,
        0,
    ]


@pytest.mark.parametrize("batch_norm", [True, False], ids=str)
def test_a_layer_before_a_batch_norm_has_no_bias(batch_norm: bool) -> None:
    layers = [layer for layer in cnn(batch_norm=batch_norm).features if isinstance(layer, nn.Conv2d)]
    assert [layer.bias is None for layer in layers] == [batch_norm] * 2


def test_weights_of_a_net_with_biases_before_its_batch_norms_load() -> None:
    model = cnn(batch_norm=True)
    biases = {f"features.{index}.bias": torch.ones(size) for index, size in ((0, 4), (5, 6))}
    model.load_state_dict({**model.state_dict(), **biases})
    norms = [layer for layer in model.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert [norm.running_mean.tolist() for norm in norms] == [[-1.0] * size for _, size in ((0, 4), (5, 6))]


def test_weights_start_as_the_initializer_says() -> None:
    model = cnn(initializer="zeros", batch_norm=False)
    assert not any(parameter.any() for parameter in model.parameters())


@pytest.mark.parametrize("shape", [(64,), (8, 8)], ids=str)
def test_samples_that_are_no_images_are_refused(shape: tuple[int, ...]) -> None:
    message = f"model=cnn needs images (channels, height, width); this data has samples of {shape}"
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        cnn(input_shape=shape)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"channels": [4] * 4}, r"Given input size: \(4x1x1\)\. .*", id="too many blocks"),
        pytest.param({"kernel_size": 11}, r"Calculated padded input size .*", id="too large a kernel"),
    ],
)
def test_images_of_which_nothing_is_left_are_refused(changes: dict[str, Any], reason: str) -> None:
    keys = r"model\.channels, kernel_size, stride, padding and pooling"
    with pytest.raises(UserError, match=rf"^{keys} must leave something of images of \(1, 8, 8\): {reason}$"):
        cnn(**changes)
