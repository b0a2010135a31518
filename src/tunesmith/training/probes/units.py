"""Which units of a model let a gradient through, seen at each activation that its forward calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from tunesmith.training.probes.norms import layer_weights

# Activation of torch -> more than 0 where its outputs let a gradient through, else 0: a ReLU does not at zero, a
# sigmoid or tanh within .01 of a bound (saturated).
_PASSING: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": lambda outputs: outputs,
    "relu6": lambda outputs: torch.minimum(outputs, 6 - outputs),
    "sigmoid": lambda outputs: (0.49 - (outputs - 0.5).abs()).relu(),
    "tanh": lambda outputs: (0.99 - outputs.abs()).relu(),
    "elu": lambda outputs: (outputs + 0.99).relu(),
    "gelu": lambda outputs: (outputs.abs() - 1e-6).relu(),
    "silu": lambda outputs: (outputs.abs() - 1e-6).relu(),
    "leaky_relu": lambda outputs: outputs.abs(),
}


@dataclass
class Units:
    """What was seen of units and outputs; the sums are of passing samples, one a unit: (units,)."""

    outputs: list[Tensor] = field(default_factory=list)
    _sums: dict[str, Tensor] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _layer: tuple[str, int] | None = None

    @contextmanager
    def watched(self, learner: nn.Module, model: nn.Module) -> Iterator[None]:
        """Watch a learner's model; each activation belongs to the layer that was called last before it.

        An activation is a call of torch, by a module or by the model itself. A compiled model is seen from its
        outputs alone: what it calls cannot be heard.
        """
        dims = {name: (1 if weight.ndim > 2 else -1) for name, weight in layer_weights(learner)}
        with ExitStack() as stack:
            stack.enter_context(_hooked(model, self._end))
            if not is_compiled(learner):
                for name, module in learner.named_modules():
                    if name in dims:
                        stack.enter_context(_hooked(module, self._enter(name, dims[name])))
                stack.enter_context(_Activations(self._note))
            yield

    def _end(self, outputs: Tensor) -> None:
        self.outputs.append(outputs)
        self._layer = None  # what a loss calls is no activation

    def _enter(self, name: str, dim: int) -> Callable[[Tensor], None]:
        def enter(_: Tensor) -> None:
            self._layer = name, dim

        return enter

    def _note(self, activation: str, outputs: Tensor) -> None:
        if self._layer is None or outputs.ndim < 2:
            return
        name, dim = self._layer
        # (samples, units) of 0 and 1; the sum of signs takes a fifth of the time that one of booleans takes
        passing = _PASSING[activation](outputs).sign()
        passing = passing if outputs.ndim == 2 else passing.transpose(dim, -1).flatten(0, -2)
        sums, num, earlier = passing.sum(0, dtype=torch.float32), len(passing), self._sums.get(name)
        if earlier is not None and earlier.shape == sums.shape:
            sums, num = earlier + sums, num + self._counts[name]
        self._sums[name], self._counts[name] = sums, num

    def shares(self) -> tuple[dict[str, float], dict[str, float]]:
        """Return two shares of each layer that an activation follows: of units, and of pairs of a sample and a unit.

        Through such a unit no gradient comes for any sample, through such a pair none comes for this sample.
        """
        if not self._sums:
            return {}, {}
        sums = torch.cat(list(self._sums.values())).cpu().numpy()  # one transfer
        ends = np.cumsum([len(each) for each in self._sums.values()])
        by_layer = dict(zip(self._sums, np.split(sums, ends[:-1]), strict=True))
        dead = {name: 1 - float(np.count_nonzero(of_units > 0)) / len(of_units) for name, of_units in by_layer.items()}
        blocked = {name: 1 - float(of_units.mean()) / self._counts[name] for name, of_units in by_layer.items()}
        return dead, blocked

    def output_numbers(self) -> dict[str, Tensor]:
        """Return smallest and largest output, and sum over a sample's outputs, share of exact zeros, and spread."""
        if not self.outputs:
            return {}
        outputs = torch.cat([each.reshape(len(each), -1) for each in self.outputs]).float()
        (least, most), (least_sum, most_sum) = outputs.aminmax(), outputs.sum(1).aminmax()
        return {
            "output_min": least,
            "output_max": most,
            "output_sum_min": least_sum,
            "output_sum_max": most_sum,
            "output_zeros": (outputs == 0).float().mean(),
            "output_spread": outputs.var(0, correction=0).mean().sqrt(),
        }


def is_compiled(learner: nn.Module) -> bool:
    """Whether torch.compile has wrapped a part: a look would have it compiled anew."""
    return any(
        hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) is not None
        for module in learner.modules()
    )


class _Activations(TorchFunctionMode):
    """Hears each call of an activation, as torch.relu, functional.relu, tensor.relu() or a module's."""

    def __init__(self, note: Callable[[str, Tensor], None]) -> None:
        super().__init__()
        self._note = note

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        outputs = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "").rstrip("_")
        if name == "hardtanh" and kwargs and (kwargs.get("min_val"), kwargs.get("max_val")) == (0.0, 6.0):
            name = "relu6"  # which nn.ReLU6 calls by this name
        if name in _PASSING and isinstance(outputs, Tensor):
            self._note(name, outputs)
        return outputs


@contextmanager
def _hooked(module: nn.Module, take: Callable[[Tensor], object]) -> Iterator[None]:
    """Hand what a module puts out to a function, if it is a tensor; a scripted module takes no hook."""
    if isinstance(module, torch.jit.ScriptModule):
        yield
        return

    def hook(_: nn.Module, __: object, outputs: object) -> None:
        if isinstance(outputs, Tensor):
            take(outputs)

    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()
