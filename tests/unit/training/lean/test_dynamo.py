"""Optimizers without torch._dynamo step and save as ever, and leave torch as it was."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import (
    ASGD,
    LBFGS,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    NAdam,
    Optimizer,
    RAdam,
    RMSprop,
    Rprop,
    SparseAdam,
)
from torch.optim.lr_scheduler import LinearLR

from tunesmith.training.lean.dynamo import step_without_dynamo, without_dynamo

Make = Callable[..., Optimizer]
METHODS = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")


def kept() -> list[bool]:
    """Whether torch has kept a version of each method that torch.compile leaves alone."""
    return [hasattr(getattr(Optimizer, name).__wrapped__, "__dynamo_disable") for name in METHODS]


def forget() -> dict[str, Any]:
    """Put torch into the state of a process that has not made an optimizer yet; return what it had kept."""
    found = {}
    for name in METHODS:
        method = getattr(Optimizer, name).__wrapped__
        if hasattr(method, "__dynamo_disable"):
            found[name] = getattr(method, "__dynamo_disable")
            delattr(method, "__dynamo_disable")
    return found


@pytest.fixture
def new_process() -> Any:
    found = forget()
    yield
    forget()
    for name, version in found.items():
        setattr(getattr(Optimizer, name).__wrapped__, "__dynamo_disable", version)


def trained(make: Make, step: Callable[[Optimizer], None]) -> list[torch.Tensor]:
    torch.manual_seed(0)
    layer = nn.Linear(33, 7)
    optimizer = make(layer.parameters())
    inputs = torch.randn(5, 33)
    for _ in range(4):
        optimizer.zero_grad()
        layer(inputs).square().mean().backward()
        step(optimizer)
    return [*layer.parameters(), *(value for state in optimizer.state.values() for value in state.values())]


@pytest.mark.parametrize("make", [Adam, AdamW, SGD, RMSprop, Adagrad, Adadelta, Adamax, NAdam, RAdam, ASGD, Rprop])
def test_a_step_is_that_of_torch(make: Make) -> None:
    expected, got = trained(make, lambda each: each.step()), trained(make, step_without_dynamo)
    assert len(expected) == len(got)
    assert all(torch.equal(one, other) for one, other in zip(expected, got, strict=True) if one is not None)


@pytest.mark.parametrize(
    "make", [partial(SGD, lr=0.1, momentum=0.9, nesterov=True), partial(Adam, fused=True), partial(Adam, foreach=True)]
)
def test_a_step_by_a_kernel_is_too(make: Make) -> None:
    expected, got = trained(make, lambda each: each.step()), trained(make, step_without_dynamo)
    assert all(torch.equal(one, other) for one, other in zip(expected, got, strict=True))


def test_an_optimizer_that_has_fewer_defaults_than_others_steps_too() -> None:
    def rows(step: Callable[[Optimizer], None]) -> torch.Tensor:
        torch.manual_seed(0)
        layer = nn.Embedding(5, 2, sparse=True)
        optimizer = SparseAdam(list(layer.parameters()))
        layer(torch.tensor([1, 3])).square().mean().backward()
        step(optimizer)
        return layer.weight

    assert torch.equal(rows(step_without_dynamo), rows(lambda each: each.step()))


def test_hooks_of_a_step_are_called() -> None:
    layer, called = nn.Linear(2, 1), []
    optimizer = SGD(layer.parameters())
    optimizer.register_step_post_hook(lambda *_: called.append(True))
    step_without_dynamo(optimizer)
    assert called == [True]


def test_a_class_of_ones_own_steps_itself() -> None:
    class Own(SGD):
        def step(self, closure: Any = None) -> Any:
            raise NotImplementedError("mine")

    with pytest.raises(NotImplementedError, match="mine"):
        step_without_dynamo(Own(nn.Linear(2, 1).parameters()))


@pytest.mark.filterwarnings("error")
def test_a_schedule_sees_the_step() -> None:
    optimizer = SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    schedule = LinearLR(optimizer)
    step_without_dynamo(optimizer)
    schedule.step()


def test_torch_keeps_nothing_of_it(new_process: None) -> None:
    with without_dynamo():
        optimizer = Adam(nn.Linear(2, 1).parameters())
        optimizer.load_state_dict(optimizer.state_dict())
        optimizer.zero_grad()
        assert all(kept())
    assert not any(kept())


def test_what_torch_has_kept_stays(new_process: None) -> None:
    optimizer = Adam(nn.Linear(2, 1).parameters())  # adds a group
    before = kept()
    with without_dynamo(), without_dynamo():
        optimizer.zero_grad()
    assert kept() == before == [True, False, False, False]


def test_it_ends_with_an_error_too(new_process: None) -> None:
    with pytest.raises(ValueError, match="empty"), without_dynamo():
        LBFGS([])
    assert not any(kept())
