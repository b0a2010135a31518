"""Steps against optimizer.step(): every bit of weights and state, for what torch fuses and for what it does not."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop
from torch.optim.lr_scheduler import LinearLR, OneCycleLR

from tunesmith.training.lean.steps import Steps
from tunesmith.training.weight_groups import group_parameters

NUM_STEPS = 7
CLASSES: dict[str, Callable[..., Optimizer]] = {
    "adam": partial(Adam, lr=3e-3, fused=True),
    "adamw": partial(AdamW, lr=3e-3, fused=True),
    "sgd": partial(SGD, lr=1e-2, fused=True),
    "sgd momentum": partial(SGD, lr=1e-2, momentum=0.9, fused=True),
    "sgd nesterov": partial(SGD, lr=1e-2, momentum=0.9, nesterov=True, fused=True),
    "sgd dampening": partial(SGD, lr=1e-2, momentum=0.9, dampening=0.1, fused=True),
    "adam amsgrad": partial(Adam, lr=3e-3, amsgrad=True, fused=True),
    "adam maximize": partial(Adam, lr=3e-3, maximize=True, fused=True),
    "adam plain": partial(Adam, lr=3e-3),
    "sgd foreach": partial(SGD, lr=1e-2, momentum=0.9, foreach=True),
    "rmsprop": partial(RMSprop, lr=1e-3, momentum=0.5),
}


def net(width: int = 33) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, 3))


def same_steps(
    module: nn.Module,
    make: Callable[[nn.Module], Optimizer],
    change: Callable[[int, nn.Module, Optimizer], None] = lambda *_: None,
) -> Optimizer:
    """Train a module and a copy of it, one by Steps and one by torch, and compare every tensor after each step.

    change: called between backward and step, with the number of the step.
    """
    copy = deepcopy(module)
    ours, theirs = make(module), make(copy)
    steps = Steps(ours)
    for number in range(NUM_STEPS):
        for each, optimizer, step in ((module, ours, steps.step), (copy, theirs, theirs.step)):
            torch.manual_seed(number)
            for param in each.parameters():
                param.grad = None
            each(torch.randn(8, 6)).square().mean().backward()
            change(number, each, optimizer)
            step()
        assert ours.state_dict()["state"].keys() == theirs.state_dict()["state"].keys()
        pairs = zip(tensors(module, ours), tensors(copy, theirs), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)
    return ours


def tensors(module: nn.Module, optimizer: Optimizer) -> list[Tensor]:
    """Return the weights, and the optimizer's state in the order of its parameters."""
    states: dict[Any, dict[str, Any]] = optimizer.state_dict()["state"]
    return [*module.state_dict().values(), *(value for state in states.values() for value in state.values())]


@pytest.mark.parametrize("clip", [None, 0.05], ids=["unclipped", "clipped"])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1], ids=["no decay", "decay in groups"])
@pytest.mark.parametrize("name", CLASSES)
def test_all_bits_are_those_of_the_optimizer(name: str, weight_decay: float, clip: float | None) -> None:
    def make(module: nn.Module) -> Optimizer:
        return CLASSES[name](group_parameters(module.parameters(), weight_decay), weight_decay=weight_decay)

    def change(number: int, module: nn.Module, optimizer: Optimizer) -> None:
        if clip is not None:
            nn.utils.clip_grad_norm_(module.parameters(), clip)

    same_steps(net(), make, change)


@pytest.mark.parametrize("name", CLASSES)
def test_parameters_without_a_gradient_stay_as_torch_leaves_them(name: str) -> None:
    """Those that never have one, and those that lack it from the second step on, or now and then."""

    def change(number: int, module: nn.Module, optimizer: Optimizer) -> None:
        params = list(module.parameters())
        params[0].grad = None
        if number in (1, 2, 5):
            params[2].grad = None

    same_steps(net(), lambda module: CLASSES[name](module.parameters()), change)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "sgd nesterov"])
def test_a_changed_rate_counts_at_the_next_step(name: str) -> None:
    """Schedules write lr, betas or momentum into the groups."""
    schedules: dict[int, Any] = {}

    def make(module: nn.Module) -> Optimizer:
        optimizer = CLASSES[name](module.parameters())
        has_no_cycle = optimizer.defaults.get("momentum") == 0.0
        cycle = partial(LinearLR, total_iters=5) if has_no_cycle else partial(OneCycleLR, max_lr=0.1, total_steps=20)
        schedules[id(optimizer)] = cycle(optimizer)
        return optimizer

    def change(number: int, module: nn.Module, optimizer: Optimizer) -> None:
        if number > 0:
            schedules[id(optimizer)].step()

    optimizer = same_steps(net(), make, change)
    assert optimizer.param_groups[0]["lr"] != optimizer.defaults["lr"]


@pytest.mark.parametrize("start", [0.0, 0.9], ids=["from 0", "through 0"])
def test_a_momentum_of_zero_leaves_the_buffers_as_torch_does(start: float) -> None:
    """A cycle may bring the momentum to 0, and back."""

    def change(number: int, module: nn.Module, optimizer: Optimizer) -> None:
        for group in optimizer.param_groups:
            group["momentum"] = 0.0 if number in (2, 3) else start

    optimizer = same_steps(net(), lambda module: SGD(module.parameters(), lr=0.01, momentum=start, fused=True), change)
    assert any("momentum_buffer" in state for state in optimizer.state.values()) == (start > 0)


def test_a_state_that_is_loaded_before_the_first_step_is_stepped_on() -> None:
    trained = same_steps(net(), lambda module: CLASSES["adam"](module.parameters()))

    def make(module: nn.Module) -> Optimizer:
        optimizer = CLASSES["adam"](module.parameters())
        optimizer.load_state_dict(deepcopy(trained.state_dict()))
        return optimizer

    again = same_steps(net(), make)
    assert {float(state["step"]) for state in again.state.values()} == {2.0 * NUM_STEPS}


def test_hooks_are_called_at_each_step() -> None:
    called = []
    module = net()
    optimizer = CLASSES["adam"](module.parameters())
    optimizer.register_step_post_hook(lambda *_: called.append(1))
    steps = Steps(optimizer)
    for _ in range(3):
        module(torch.randn(8, 6)).square().mean().backward()
        steps.step()
    assert len(called) == 3


def test_parameters_of_two_types_are_stepped_by_torch() -> None:
    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.narrow, self.wide = nn.Linear(6, 4), nn.Linear(4, 2).double()

        def forward(self, inputs: Tensor) -> Tensor:
            outputs: Tensor = self.wide(self.narrow(inputs).double())
            return outputs

    same_steps(Wide(), lambda each: CLASSES["adam"](each.parameters()))
