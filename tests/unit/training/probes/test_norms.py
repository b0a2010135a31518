"""Norms of layers around a step: whose weights count, and what is measured of a step that is known by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.optim import SGD

from tunesmith.training.probes import norms
from tunesmith.training.probes.norms import LayerNorms, StepNorms, layer_weights


def net() -> nn.Sequential:
    """A layer of the weights (3, 4), and one that trains nothing yet; its loss below has the gradient (6, 8)."""
    model = nn.Sequential(nn.Linear(2, 1), nn.BatchNorm1d(1), nn.Linear(1, 1))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[3.0, 4.0]]))
    return model


def step(model: nn.Sequential, measured: StepNorms, lr: float = 0.1) -> None:
    model[0].weight.square().sum().backward()
    measured.take(model)
    SGD(model.parameters(), lr).step()


def test_a_layer_is_a_module_with_weights_and_biases_and_norms_are_left_out() -> None:
    assert [name for name, _ in layer_weights(net())] == ["0", "2"]


def test_a_weight_of_the_learner_itself_is_a_layer_by_its_own_name() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Parameter(torch.ones(2, 2))

    assert [name for name, _ in layer_weights(Own())] == ["table"]


def test_a_frozen_weight_and_one_without_a_shape_yet_are_no_layers() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.LazyLinear(2))
    model[0].weight.requires_grad_(False)
    assert list(layer_weights(model)) == []


def test_gradient_weights_and_update_of_a_step() -> None:
    model, measured = net(), StepNorms()
    step(model, measured)
    first, last = measured.read().values()
    assert (first.grad, first.weight) == pytest.approx((10.0, 4.0))  # 5 shrinks by .1 * 10
    assert first.update_ratio == pytest.approx(0.25)
    assert (last.grad, last.update_ratio) == (None, 0.0)


def test_the_start_has_the_weights_before_the_step_and_no_update() -> None:
    model, measured = net(), StepNorms(is_start=True)
    step(model, measured)
    first, *_ = measured.read().values()
    assert (first.grad, first.weight, first.update_ratio) == (pytest.approx(10.0), pytest.approx(5.0), None)


def test_zero_weights_that_do_not_move_have_an_update_ratio_of_zero() -> None:
    model, measured = nn.Sequential(nn.Linear(2, 1)), StepNorms()
    nn.init.zeros_(model[0].weight)
    step(model, measured)
    assert measured.read() == {"0": LayerNorms(0.0, 0.0, 0.0)}


def test_weights_of_a_recurrent_layer_count_together() -> None:
    model = nn.RNN(2, 2)
    nn.init.constant_(model.weight_ih_l0, 1.5)
    nn.init.constant_(model.weight_hh_l0, 2.0)
    measured = StepNorms()
    measured.take(nn.ModuleDict({"cell": model}))
    assert measured.read()["cell"].weight == pytest.approx(5.0)  # of norms 3 and 4


def test_a_second_gradient_of_the_same_step_is_not_taken() -> None:
    model, measured = net(), StepNorms()
    step(model, measured)
    step(model, measured)
    first, *_ = measured.read().values()
    assert (first.grad, first.weight) == pytest.approx((10.0, 2.2))  # the gradients add up to 18 by the second step


def test_of_several_optimizers_each_step_takes_its_own_weights() -> None:
    model, measured = net(), StepNorms()
    measured.take(model, SGD(model[2].parameters(), 0.1))
    assert list(measured.read()) == ["2"]


def test_a_sparse_gradient_has_a_norm() -> None:
    model, measured = nn.Sequential(nn.Embedding(5, 2, sparse=True)), StepNorms()
    model(torch.tensor([1, 1, 3])).sum().backward()
    measured.take(model)
    assert measured.read()["0"].grad == pytest.approx(10**0.5)  # (2, 2) and (1, 1)


def test_a_norm_beyond_the_range_of_half_precision_is_finite() -> None:
    model, measured = nn.Sequential(nn.Linear(100, 100, dtype=torch.float16)), StepNorms()
    nn.init.constant_(model[0].weight, 1000.0)
    measured.take(model)
    assert measured.read()["0"].weight == pytest.approx(1e5, rel=1e-4)


def test_no_copy_is_made_of_large_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(norms, "MAX_COPIED", 8)
    model, measured = net(), StepNorms()
    step(model, measured)
    assert [each.update_ratio for each in measured.read().values()] == [None, None]


def test_nothing_taken_is_nothing_read() -> None:
    measured = StepNorms()
    assert (bool(measured), measured.read()) == (False, {})
