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
from tunesmith.training.draws import seed_generators
from tunesmith.training.epoch_metrics import EpochMetrics
from tunesmith.training.losses import target_weights
from tunesmith.training.probes.norms import layer_weights
from tunesmith.training.supervised import SupervisedLearning

# The name of the samples that are looked at, among the learner's parts of the data.
_PART = "probes"
# Activation -> more than 0 where its outputs let a gradient through. A unit through which none comes for any sample is
# dead: a ReLU at zero, a sigmoid or tanh within .01 of a bound (saturated).
_ALIVE: dict[type[nn.Module], Callable[[Tensor], Tensor]] = {
    nn.ReLU: lambda outputs: outputs,
    nn.ReLU6: lambda outputs: torch.minimum(outputs, 6 - outputs),
    nn.Sigmoid: lambda outputs: 0.49 - (outputs - 0.5).abs(),
    nn.Tanh: lambda outputs: 0.99 - outputs.abs(),
    nn.ELU: lambda outputs: outputs + 0.99,
    nn.GELU: lambda outputs: outputs.abs() - 1e-6,
    nn.SiLU: lambda outputs: outputs.abs() - 1e-6,
    nn.LeakyReLU: lambda outputs: outputs.abs(),
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
    facts, weigh = learner.facts, target_weights(learner.loss)
    metrics = learner.epoch_metrics[_PART] = EpochMetrics(_PART, facts.has_classes, is_sum=learner.is_sum, weigh=weigh)
    units = _Units()
    try:
        with torch.no_grad(), unchanged(learner):
            with units.watched(learner):
                for batch in first:
                    learner.evaluate_on(batch, _PART)
            for batch in others:
                learner.evaluate_on(batch, _PART)
    finally:
        del learner.epoch_metrics[_PART]
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

    def _note(self, alive_where: Callable[[Tensor], Tensor]) -> Callable[[Tensor], None]:
        def note(outputs: Tensor) -> None:
            if self._layer is None or outputs.ndim < 2:
                return
            name, dim = self._layer
            # (units,): the largest of all samples is found in a sixth of the time that any() takes
            alive = alive_where(outputs).transpose(dim, -1).flatten(0, -2).amax(0) > 0
            earlier = self.alive.get(name)
            self.alive[name] = alive if earlier is None or earlier.shape != alive.shape else earlier | alive

        return note

    def dead_shares(self) -> dict[str, Tensor]:
        return {name: 1 - alive.float().mean() for name, alive in self.alive.items()}

    def output_numbers(self) -> dict[str, Tensor]:
        """Return smallest and largest output, and sum over a sample's outputs, and the share of exact zeros."""
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
        }


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
            seed_generators(0, 0, 0)  # a model that draws in evaluation looks the same to both engines
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)
