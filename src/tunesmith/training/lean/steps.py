"""An optimizer's step: the kernel that torch's fused step ends in, called on the same lists of tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer

from tunesmith.training.lean.dynamo import has_step_hooks, step_without_dynamo

Group = Mapping[str, Any]
Tensors = list[Tensor]

# Flags of a group with which torch's step does more than to call its fused kernel.
_FLAGS = ("amsgrad", "maximize", "capturable", "differentiable", "foreach")


class Steps:
    """Steps an optimizer to the bits that optimizer.step() gives, in half its time for fused Adam, AdamW and SGD.

    torch's own step gathers its lists, sorts them by device and type and looks for hooks each time. Here that is done
    after a step of torch, which makes what is missing of the state: the first step, and each one at which other
    parameters have a gradient than before. Every other optimizer is stepped by torch. A state is loaded into the
    optimizer before the first step.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        self._params: Tensors = []
        self._lacks_grad: list[bool] = []
        self._calls: list[Callable[[], None]] = []

    def step(self) -> None:
        """Take a step with the gradients that the parameters have now."""
        if self._calls and self._lacks_grad == [param.grad is None for param in self._params]:
            with torch.no_grad():
                for call in self._calls:
                    call()
            return
        step_without_dynamo(self._optimizer)
        if _has_kernel(self._optimizer):
            self._calls = _kernel_calls(self._optimizer)
            self._params = [param for group in self._optimizer.param_groups for param in group["params"]]
            self._lacks_grad = [param.grad is None for param in self._params]


def _has_kernel(optimizer: Optimizer) -> bool:
    """Whether all that is left of a step is one call of a kernel for each group, once the state is made."""
    if type(optimizer) not in _KERNELS or not all(map(_is_plain, optimizer.param_groups)):
        return False
    params = [param for group in optimizer.param_groups for param in group["params"]]
    is_sparse = any(param.grad is not None and param.grad.is_sparse for param in params)
    return (
        not has_step_hooks(optimizer) and not is_sparse and len({(param.device, param.dtype) for param in params}) == 1
    )


def _is_plain(group: Group) -> bool:
    numbers = (group["lr"], *group.get("betas", ()))
    has_tensors = any(isinstance(number, Tensor) for number in numbers)
    return bool(group["fused"]) and not has_tensors and not any(group.get(flag) for flag in _FLAGS)


def _kernel_calls(optimizer: Optimizer) -> list[Callable[[], None]]:
    """Return a call for each group of which a parameter has a gradient."""
    kernel, names = _KERNELS[type(optimizer)]
    calls: list[Callable[[], None]] = []
    for group in optimizer.param_groups:
        params = [param for param in group["params"] if param.grad is not None]
        states = [optimizer.state.get(param, {}) for param in params]
        lists = [[state[name] for state in states if state.get(name) is not None] for name in names]
        if params:
            calls.append(partial(kernel, group, params, *lists))
    return calls


def _adam(group: Group, params: Tensors, averages: Tensors, squares: Tensors, steps: Tensors) -> None:
    torch._foreach_add_(steps, 1)
    kernel = torch._fused_adamw_ if group["decoupled_weight_decay"] else torch._fused_adam_
    beta1, beta2 = group["betas"]
    kernel(
        *(params, _grads(params), averages, squares, [], steps),
        lr=group["lr"],
        beta1=beta1,
        beta2=beta2,
        weight_decay=group["weight_decay"],
        eps=group["eps"],
        amsgrad=False,
        maximize=False,
    )


def _sgd(group: Group, params: Tensors, buffers: Tensors) -> None:
    torch._fused_sgd_(
        *(params, _grads(params), buffers if group["momentum"] else []),  # a schedule may bring it to 0
        weight_decay=group["weight_decay"],
        momentum=group["momentum"],
        lr=group["lr"],
        dampening=group["dampening"],
        nesterov=group["nesterov"],
        maximize=False,
        is_first_step=False,
    )


def _grads(params: Tensors) -> Tensors:
    return [param.grad for param in params]  # type: ignore[misc]  # none is None: see Steps.step


# Class -> the call of its kernel, and what that needs of a parameter's state.
_KERNELS: dict[type[Optimizer], tuple[Callable[..., None], tuple[str, ...]]] = {
    Adam: (_adam, ("exp_avg", "exp_avg_sq", "step")),
    AdamW: (_adam, ("exp_avg", "exp_avg_sq", "step")),
    SGD: (_sgd, ("momentum_buffer",)),
}
