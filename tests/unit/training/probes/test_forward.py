"""A look at a model: what it says of outputs and units, and that it changes nothing."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from tiny import NUMBERS
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD

from tunesmith.training.data_facts import DataFacts
from tunesmith.training.losses import AutoLoss
from tunesmith.training.probes.forward import look
from tunesmith.training.supervised import SupervisedLearning

INPUTS = torch.tensor([[1.0, -2.0, 0.0, 1.0], [3.0, 1.0, 1.0, 0.0]])
TARGETS = torch.tensor([0.0, 1.0])


def learner(model: nn.Module, facts: DataFacts = NUMBERS, loss: nn.Module | None = None) -> SupervisedLearning:
    return SupervisedLearning(facts, model, loss or AutoLoss(), partial(SGD, lr=0.1))


def hidden(activation: nn.Module, *biases: float) -> nn.Sequential:
    """Units whose inputs are their biases, whatever the sample, and one output, which is zero."""
    model = nn.Sequential(nn.Linear(4, len(biases)), activation, nn.Linear(len(biases), 1))
    for layer in (model[0], model[2]):
        nn.init.zeros_(layer.weight)
    model[0].bias = nn.Parameter(torch.tensor(biases))
    nn.init.zeros_(model[2].bias)
    return model


@pytest.mark.parametrize(
    ("activation", "biases", "share"),
    [
        (nn.ReLU(), (-1.0, 1.0, -2.0, 0.0), 0.75),
        (nn.ReLU6(), (-1.0, 1.0, 7.0, 3.0), 0.5),
        (nn.Sigmoid(), (-9.0, 9.0, 0.0, 2.0), 0.5),
        (nn.Tanh(), (-9.0, 9.0, 0.0, 2.0), 0.5),
        (nn.ELU(), (-9.0, 9.0, 0.0, 2.0), 0.25),
        (nn.GELU(), (-20.0, 9.0, 1.0, 2.0), 0.25),
        (nn.SiLU(), (-40.0, 9.0, 1.0, 2.0), 0.25),
        (nn.LeakyReLU(), (-9.0, 9.0, 1.0, 2.0), 0.0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_units_that_let_no_gradient_through_are_dead(
    activation: nn.Module, biases: tuple[float, ...], share: float
) -> None:
    seen = look(learner(hidden(activation, *biases)), [(INPUTS, TARGETS)])
    assert seen.dead_shares == {"model.0": pytest.approx(share)}


def test_a_unit_that_is_alive_for_one_sample_of_any_batch_is_alive() -> None:
    model = nn.Sequential(nn.Linear(4, 1, bias=False), nn.ReLU(), nn.Linear(1, 1))
    model[0].weight = nn.Parameter(torch.tensor([[-1.0, 0.0, 0.0, 2.0]]))  # 1 and -3
    assert look(learner(model), [(INPUTS[1:], TARGETS[1:])]).dead_shares == {"model.0": 1.0}
    batches = [(INPUTS[1:], TARGETS[1:]), (INPUTS[:1], TARGETS[:1])]
    for in_order in (batches, batches[::-1]):
        assert look(learner(model), in_order).dead_shares == {"model.0": 0.0}


def test_a_unit_of_a_convolution_is_a_channel() -> None:
    model = nn.Sequential(nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(8, 1))
    nn.init.zeros_(model[1].weight)
    model[1].bias = nn.Parameter(torch.tensor([1.0, -1.0]))
    assert look(learner(model), [(INPUTS, TARGETS)]).dead_shares == {"model.1": 0.5}


def test_loss_inputs_and_outputs_of_the_samples() -> None:
    model = nn.Linear(4, 1)
    model.weight, model.bias = nn.Parameter(torch.tensor([[0.0, 1.0, 0.0, 0.0]])), nn.Parameter(torch.tensor([2.0]))
    seen = look(learner(model), [(INPUTS, TARGETS)])
    assert seen.numbers == {
        "train_loss": pytest.approx(2.0),  # outputs 0 and 3
        "input_max": 3.0,
        "output_min": 0.0,
        "output_max": 3.0,
        "output_sum_min": 0.0,
        "output_sum_max": 3.0,
        "output_zeros": 0.5,
        "output_spread": 1.5,
    }


def test_outputs_of_two_classes_are_what_the_model_puts_out() -> None:
    two = DataFacts((4,), 1, has_classes=True)
    seen = look(learner(nn.Sequential(nn.Linear(4, 1), nn.Sigmoid()), two), [(INPUTS, TARGETS.long())])
    assert (seen.numbers["output_min"] > 0, seen.numbers["output_zeros"]) == (True, 0.0)


def test_batches_count_together() -> None:
    model = nn.Linear(4, 1)
    model.weight, model.bias = nn.Parameter(torch.tensor([[0.0, 1.0, 0.0, 0.0]])), nn.Parameter(torch.tensor([2.0]))
    batches = [(INPUTS[:1], TARGETS[:1]), (INPUTS[1:], TARGETS[1:])]
    assert look(learner(model), batches).numbers == pytest.approx(look(learner(model), [(INPUTS, TARGETS)]).numbers)


def test_losses_of_the_epoch_s_steps_by_quarter() -> None:
    numbers = look(learner(nn.Linear(4, 1)), [(INPUTS, TARGETS)], list(torch.tensor([8.0, 2.0, 9.0, 1.0, 3.0]))).numbers
    assert (numbers["first_quarter_loss"], numbers["last_quarter_loss"], numbers["max_batch_loss"]) == (5.0, 2.0, 9.0)


class Functions(nn.Module):
    """Activations that are calls: of a function, of torch and of a tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
        for layer in self.layers:
            nn.init.zeros_(layer.weight)
            layer.bias = nn.Parameter(torch.tensor([-9.0, 9.0, 0.1, 0.2]))

    def forward(self, inputs: Tensor) -> Tensor:
        inputs = functional.relu(self.layers[0](inputs), inplace=True)
        inputs = torch.tanh(self.layers[1](inputs))
        outputs: Tensor = self.layers[2](inputs).relu_().sum(1, keepdim=True)
        return outputs


class Squashing(nn.Module):
    """A loss that calls an activation, too."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return functional.mse_loss(torch.sigmoid(outputs[:, None]), targets[:, None])


def test_activations_that_are_functions_are_seen_and_those_of_a_loss_are_not() -> None:
    seen = look(learner(Functions(), loss=Squashing()), [(INPUTS, TARGETS)])
    assert seen.dead_shares == {"model.layers.0": 0.25, "model.layers.1": 0.5, "model.layers.2": 0.25}


def test_blocked_is_the_share_of_samples_and_units_through_which_no_gradient_comes() -> None:
    model = nn.Sequential(nn.Linear(4, 2, bias=False), nn.Sigmoid(), nn.Linear(2, 1))
    model[0].weight = nn.Parameter(torch.tensor([[9.0, 0.0, 0.0, 0.0], [3.0, 0.0, 0.0, 0.0]]))  # 9 and 3; 27 and 9
    seen = look(learner(model), [(INPUTS, TARGETS)])
    assert (seen.dead_shares["model.0"], seen.blocked_shares["model.0"]) == (0.5, 0.75)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_loss_is_a_mean_over_samples(reduction: str) -> None:
    model = nn.Linear(4, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    seen = look(learner(model, loss=nn.MSELoss(reduction=reduction)), [(INPUTS, TARGETS)])
    assert seen.numbers["train_loss"] == pytest.approx(0.5)


class Restless(nn.Module):
    """Changes at each call what a look must leave alone: it draws, and moves its buffers, in place and by a new one."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 1))
        self.register_buffer("counted", torch.zeros(()))
        self.register_buffer("replaced", torch.zeros(()))
        self.layer[2].eval()

    def forward(self, inputs: Tensor) -> Tensor:
        self.counted += 1
        self.replaced = self.replaced + 1
        outputs: Tensor = self.layer(inputs)
        return outputs + torch.rand(()) + random.random() + np.random.random()


def test_a_look_draws_no_random_number_and_changes_neither_modes_nor_buffers() -> None:
    seen_by = learner(Restless())
    before = state_of(seen_by)
    look(seen_by, [(INPUTS, TARGETS)])
    assert state_of(seen_by) == before


def state_of(learner: nn.Module) -> list[Any]:
    weights = {name: value.tolist() for name, value in learner.state_dict().items()}
    modes = [module.training for module in learner.modules()]
    hooks = [len(module._forward_hooks) for module in learner.modules()]
    draws = [torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()]  # type: ignore[union-attr]
    return [weights, modes, hooks, draws]


def test_a_look_that_fails_leaves_the_learner_as_it_was() -> None:
    seen_by = learner(Restless())
    before = state_of(seen_by)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        look(seen_by, [(INPUTS[:, :2], TARGETS)])
    after = state_of(seen_by)
    assert after == before


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*is deprecated:DeprecationWarning")
def test_a_scripted_model_is_seen_from_its_loss_alone() -> None:
    scripted = torch.jit.script(hidden(nn.ReLU(), 1.0, -1.0))
    seen = look(learner(scripted), [(INPUTS, TARGETS)])
    assert ({*seen.numbers}, seen.dead_shares) == ({"train_loss", "input_max"}, {})


def test_a_mistake_in_the_model_is_told_as_training_tells_it() -> None:
    seen_by = learner(nn.Linear(5, 1))
    seen_by.start_part("train")
    messages = []
    for call in (lambda: seen_by.train_on((INPUTS, TARGETS)), lambda: look(seen_by, [(INPUTS, TARGETS)])):
        with pytest.raises(Exception, match="4") as raised:
            call()
        messages.append(str(raised.value))
    assert messages[0] == messages[1]
