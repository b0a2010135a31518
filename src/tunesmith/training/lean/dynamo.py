"""torch's optimizers without torch._dynamo, whose import takes a second of each process: nothing here is compiled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import unwrap

import torch
from torch.optim import Optimizer
from torch.optim import optimizer as torch_optimizer

# Methods of an optimizer that torch wraps by _disable_dynamo: their first call imports torch._dynamo, asks it for a
# version that torch.compile leaves alone, and keeps that under this name.
_WRAPPED = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")
_KEPT = "__dynamo_disable"


@contextmanager
def without_dynamo() -> Iterator[None]:
    """Let optimizers be built, saved and loaded without torch._dynamo, for code that compiles no call of them.

    What torch has kept stays; what it has not kept it asks for afterwards, so torch.compile then finds optimizers as
    ever. A version of torch that has these names no more imports what it wants.
    """
    methods = [getattr(getattr(Optimizer, name), "__wrapped__", None) for name in _WRAPPED]
    plain = [method for method in methods if method is not None and not hasattr(method, _KEPT)]
    for method in plain:
        setattr(method, _KEPT, method)
    try:
        yield
    finally:
        for method in plain:
            delattr(method, _KEPT)


def step_without_dynamo(optimizer: Optimizer) -> None:
    """Take a step as optimizer.step() does, without its wrappers, if the optimizer is torch's own and has no hooks."""
    if not _has_wrappers_alone(optimizer):
        optimizer.step()
        return
    with torch.no_grad():
        unwrap(type(optimizer).step)(optimizer)
    optimizer._opt_called = True  # type: ignore[attr-defined]  # a schedule warns if it moves before the first step


def _has_wrappers_alone(optimizer: Optimizer) -> bool:
    """Whether the wrappers of a step do nothing but to import torch._dynamo and to switch gradients off."""
    is_torchs = type(optimizer).__module__.startswith("torch.optim.")
    return is_torchs and not has_step_hooks(optimizer) and not optimizer.defaults.get("differentiable")


def has_step_hooks(optimizer: Optimizer) -> bool:
    """Whether something is called before or after each step, of this optimizer or of all."""
    hooks = (
        *(optimizer._optimizer_step_pre_hooks, optimizer._optimizer_step_post_hooks),
        *(torch_optimizer._global_optimizer_pre_hooks, torch_optimizer._global_optimizer_post_hooks),
    )
    return any(hooks)
