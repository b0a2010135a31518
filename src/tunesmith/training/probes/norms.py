"""Norms of each layer around a step of the optimizer: its gradient, its weights, and how far the step moves them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tunesmith.training.weight_groups import is_weight

# Bytes of weights of which no copy is made: beside a net that fills the memory there is no room for one.
MAX_COPIED = 2**28

NamedWeight = tuple[str, nn.Parameter]


@dataclass(frozen=True)
class LayerNorms:
    """Norms (2-norms over all weights of a layer) at one step; None: not measured, as the gradient if there was none.

    grad: of the loss's gradient, before it is clipped; weight: after the step, or before the first one of a run.
    update_ratio: norm of what the step added to the weights, divided by that of the weights after it; 0 of no change.
    """

    grad: float | None
    weight: float
    update_ratio: float | None


@dataclass
class StepNorms:
    """Measures the weights of a learner's layers around one step; all numbers leave the device in one transfer.

    Biases and the parameters of norms are left out: they begin at zero, or move by rounding noise before a batch norm.

    is_start: the weights are measured before the step, and no update.
    """

    is_start: bool = False
    _names: list[str] = field(default_factory=list)
    _weights: list[Tensor] = field(default_factory=list)
    _grads: list[Tensor | None] = field(default_factory=list)
    _before: list[Tensor] = field(default_factory=list)
    _start_norms: list[Tensor] = field(default_factory=list)

    @torch.no_grad()
    def take(self, learner: nn.Module, optimizer: Optimizer | None = None, weights: Sequence[NamedWeight] = ()) -> None:
        """Take gradients and weights before a step; optimizer: whose weights alone are taken, if there are several.

        A weight that was taken keeps its first gradient: an optimizer may ask for several of them in one step.

        weights: of the learner, see named_weights, if they are known already.
        """
        groups = [] if optimizer is None else optimizer.param_groups
        of_step = {id(param) for group in groups for param in group["params"]}
        taken = set(map(id, self._weights))
        found = [
            (name, weight)
            for name, weight in weights or named_weights(learner)
            if weight.requires_grad and id(weight) not in taken and (optimizer is None or id(weight) in of_step)
        ]
        to_take = [weight for _, weight in found]
        grads = [weight.grad for weight in to_take if weight.grad is not None]
        norms = iter(_norms([grad.coalesce().values() if grad.is_sparse else grad for grad in grads]))
        self._names += [name for name, _ in found]
        self._weights += to_take
        self._grads += [None if weight.grad is None else next(norms) for weight in to_take]
        if self.is_start:
            self._start_norms += _norms([weight.detach() for weight in to_take])
        elif sum(weight.nbytes for weight in self._weights) <= MAX_COPIED:
            self._before += [weight.detach().clone() for weight in to_take]

    def __bool__(self) -> bool:
        """Whether anything was taken."""
        return bool(self._weights)

    @torch.no_grad()
    def read(self) -> dict[str, LayerNorms]:
        """Return the norms by layer, in the order of the learner's modules."""
        weights = [weight.detach() for weight in self._weights]
        updates: list[Tensor] = []
        if self._before and len(self._before) == len(weights):
            torch._foreach_sub_(self._before, weights)
            updates = _norms(self._before)
        grads = [norm for norm in self._grads if norm is not None]
        numbers = iter(to_floats([*grads, *(self._start_norms or _norms(weights)), *updates]))
        grad_norms = [None if norm is None else next(numbers) for norm in self._grads]
        weight_norms = [next(numbers) for _ in weights]
        return _by_layer(self._names, grad_norms, weight_norms, list(numbers))


def layer_weights(learner: nn.Module) -> Iterator[NamedWeight]:
    """Yield each weight that is trained, see named_weights."""
    return ((name, weight) for name, weight in named_weights(learner) if weight.requires_grad)


def named_weights(learner: nn.Module) -> Iterator[NamedWeight]:
    """Yield each weight with the name of its layer, the module that holds it; see is_weight."""
    for name, parameter in learner.named_parameters():
        if not isinstance(parameter, nn.UninitializedParameter) and is_weight(parameter):
            yield name.rpartition(".")[0] or name, parameter


def _norms(tensors: Sequence[Tensor]) -> list[Tensor]:
    if not tensors:
        return []
    is_half = tensors[0].dtype in (torch.float16, torch.bfloat16)  # their norm may be beyond their own range
    return list(torch._foreach_norm(list(tensors), 2, torch.float32 if is_half else None))


def to_floats(numbers: Sequence[Tensor]) -> list[float]:
    """Return numbers that lie on devices, in one transfer."""
    if not numbers:
        return []
    device, kind = numbers[0].device, numbers[0].dtype
    if any(each.dtype != kind or each.device != device for each in numbers):
        numbers = [each.to(device, torch.float32) for each in numbers]
    values: list[float] = torch.stack(list(numbers)).tolist()
    return values


def _by_layer(
    names: Sequence[str], grads: Sequence[float | None], weights: Sequence[float], updates: Sequence[float]
) -> dict[str, LayerNorms]:
    """Join the weights of a layer, of which a recurrent one has several; updates: none if no copy was made."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    layers = {}
    for name, of_layer in places.items():
        known = [grad for place in of_layer if (grad := grads[place]) is not None]
        weight = math.hypot(*(weights[place] for place in of_layer))
        update = math.hypot(*(updates[place] for place in of_layer)) if updates else None
        ratio = None if update is None else update / weight if weight else 0.0
        layers[name] = LayerNorms(math.hypot(*known) if known else None, weight, ratio)
    return layers
