"""What a look at a learner leaves as it was: modes, buffers, generators, and of a learner that is not ours all else."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from tunesmith.training.draws import seed_generators


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
def attributes_unchanged(learner: nn.Module) -> Iterator[None]:
    """Leave what a forward of the user's own may change too: weights, other tensors, counts and lists of all modules.

    What it logs meanwhile is dropped, for it would count as a value of training. What an object of another kind holds
    is beyond reach.
    """
    modules = [module for module in learner.modules() if not isinstance(module, torch.jit.ScriptModule)]
    attributes = [dict(vars(module)) for module in modules]
    all_values = [value for of_module in attributes for value in of_module.values()]
    kept = [(value, kind(value)) for kind in (list, dict, set) for value in all_values if isinstance(value, kind)]
    held = [*learner.parameters(), *(value for value in all_values if isinstance(value, Tensor))]
    tensors = [(tensor, tensor._version, tensor.detach().clone()) for tensor in held if not tensor.is_inference()]
    for module in modules:
        vars(module).update({name: _log_nothing for name in ("log", "log_dict") if hasattr(type(module), name)})
    try:
        yield
    finally:
        for module, of_module in zip(modules, attributes, strict=True):
            vars(module).clear()
            vars(module).update(of_module)
        for container, content in kept:
            container.clear()
            container.extend(content) if isinstance(container, list) else container.update(content)
        with torch.no_grad():
            for tensor, version, values in tensors:
                if tensor._version != version:  # it was changed in place
                    tensor.copy_(values)


def _log_nothing(*_: object, **__: object) -> None:
    pass


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
