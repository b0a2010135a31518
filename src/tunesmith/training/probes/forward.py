"""What a model puts out for some training samples in evaluation mode: its loss, its outputs, and its dead units."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from tunesmith.data.batches import Batch
from tunesmith.training.epoch_metrics import EpochMetrics
from tunesmith.training.losses import target_weights
from tunesmith.training.probes.norms import layer_weights
from tunesmith.training.supervised import SupervisedLearning

# Activation -> where its outputs let a gradient through. A unit through which none comes for any sample is dead: a ReLU
# at zero, a sigmoid or tanh within .01 of a bound (saturated).
_ALIVE: dict[type[nn.Module], Callable[[Tensor], Tensor]] = {
    nn.ReLU: lambda outputs: outputs > 0,
    nn.ReLU6: lambda outputs: (outputs > 0) & (outputs < 6),
    nn.Sigmoid: lambda outputs: (outputs > 0.01) & (outputs < 0.99),
    nn.Tanh: lambda outputs: outputs.abs() < 0.99,
    nn.ELU: lambda outputs: outputs > -0.99,
    nn.GELU: lambda outputs: outputs.abs() > 1e-6,
    nn.SiLU: lambda outputs: outputs.abs() > 1e-6,
    nn.LeakyReLU: lambda outputs: outputs != 0,
}


@dataclass(frozen=True)
class Seen:
    """What was seen of a model; numbers: by the columns of probes.csv, dead_shares: by layer."""

    numbers: Mapping[str, float]
    dead_shares: Mapping[str, float]


def look(learner: SupervisedLearning, first: Sequence[Batch], others: Sequence[Batch] = ()) -> Seen:
    """Put samples through a learner whose step is ours, and change nothing: neither modes, buffers nor generators.

    first: the batches of which outputs and units are looked at; others: they count for the loss alone.
    """
    metrics = EpochMetrics(
        "train", learner.facts.has_classes, is_sum=learner.is_sum, weigh=target_weights(learner.loss)
    )
    units = _Units()
    with torch.no_grad(), unchanged(learner):
        with units.watched(learner):
            for batch in first:
                metrics.add(*learner.step(batch))
        for batch in others:
            metrics.add(*learner.step(batch))
    weight, loss, *_ = metrics.totals()
    largest = torch.stack([batch[0].abs().amax() for batch in first]).amax()
    numbers = {"train_loss": loss / weight, "input_max": largest, **units.output_numbers()}
    shares = units.dead_shares()
    tensors = [each.to(loss.device, torch.float32) for each in (*numbers.values(), *shares.values())]
    values = torch.stack(tensors).tolist()
    return Seen(dict(zip(numbers, values, strict=False)), dict(zip(shares, values[len(numbers) :], strict=True)))


@dataclass
class _Units:
    """Which units of each layer have been alive for a sample, and what the model has put out."""

    alive: dict[str, Tensor] = field(default_factory=dict)
    outputs: list[Tensor] = field(default_factory=list)
    _layer: tuple[str, int] | None = None

    @contextmanager
    def watched(self, learner: SupervisedLearning) -> Iterator[None]:
        """Watch the activations inside of a model; each belongs to the layer that was called last before it."""
        dims = {name: (1 if weight.ndim > 2 else -1) for name, weight in layer_weights(learner)}
        with ExitStack() as hooks:
            hooks.enter_context(_hooked(learner.model, lambda outputs: self.outputs.append(outputs)))
            for name, module in learner.named_modules():
                if name in dims:
                    hooks.enter_context(_hooked(module, self._enter(name, dims[name])))
                elif type(module) in _ALIVE:
                    hooks.enter_context(_hooked(module, self._note(_ALIVE[type(module)])))
            yield

    def _enter(self, name: str, dim: int) -> Callable[[Tensor], None]:
        def enter(_: Tensor) -> None:
            self._layer = name, dim

        return enter

    def _note(self, is_alive: Callable[[Tensor], Tensor]) -> Callable[[Tensor], None]:
        def note(outputs: Tensor) -> None:
            if self._layer is None or outputs.ndim < 2:
                return
            name, dim = self._layer
            alive = is_alive(outputs).transpose(dim, -1).flatten(0, -2).any(0)  # (units,)
            earlier = self.alive.get(name)
            self.alive[name] = alive if earlier is None or earlier.shape != alive.shape else earlier | alive

        return note

    def dead_shares(self) -> dict[str, Tensor]:
        return {name: 1 - alive.float().mean() for name, alive in self.alive.items()}

    def output_numbers(self) -> dict[str, Tensor]:
        """Return smallest and largest output, and sum over a sample's outputs, and the share of exact zeros."""
        outputs = torch.cat([each.flatten(1) for each in self.outputs]).float()
        sums = outputs.sum(1)
        return {
            "output_min": outputs.amin(),
            "output_max": outputs.amax(),
            "output_sum_min": sums.amin(),
            "output_sum_max": sums.amax(),
            "output_zeros": (outputs == 0).float().mean(),
        }


@contextmanager
def _hooked(module: nn.Module, take: Callable[[Tensor], object]) -> Iterator[None]:
    """Hand what a module puts out to a function, if it is a tensor."""

    def hook(_: nn.Module, __: object, outputs: object) -> None:
        if isinstance(outputs, Tensor):
            take(outputs)

    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def unchanged(learner: nn.Module) -> Iterator[None]:
    """Leave a learner in evaluation mode for a while, then with modes, buffers and generators as they were."""
    modules = list(learner.modules())
    modes = [module.training for module in modules]
    buffers = [
        (module, name, buffer, buffer.clone())
        for module in modules
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    device = next((parameter.device for parameter in learner.parameters()), torch.device("cpu"))
    learner.eval()
    try:
        with _kept_generators(device):
            yield
    finally:
        for module, is_training in zip(modules, modes, strict=True):
            module.training = is_training
        for module, name, buffer, values in buffers:
            buffer.copy_(values)
            module._buffers[name] = buffer


@contextmanager
def _kept_generators(device: torch.device) -> Iterator[None]:
    of_python, of_numpy = random.getstate(), np.random.get_state()
    forked: AbstractContextManager[None] = torch.random.fork_rng([device] if device.type == "cuda" else [])
    try:
        with forked:
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)
