"""Weights of a checkpoint -> a module, whether or not torch.compile has wrapped parts of it."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from tunesmith.errors import UserError, list_names

log = logging.getLogger(__name__)

# What torch.compile adds to the names of a module's parameters.
COMPILED = "_orig_mod."


def load_weights(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load a state_dict; parts that torch.compile wraps may be wrapped in the module, in the state, or in both.

    Raises:
        RuntimeError: names or shapes differ.
    """
    names = {name.replace(COMPILED, ""): name for name in module.state_dict()}
    module.load_state_dict({_renamed(name, names): value for name, value in weights.items()})


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the state_dict of a run's checkpoint; raises UserError if the file is none."""
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError, KeyError, TypeError):
        raise UserError(f"weights must be a checkpoint that a run wrote; got '{path}'") from None
    assert isinstance(weights, dict)
    return weights


def start_from(module: nn.Module, path: Path) -> None:
    """Start a module from a checkpoint's weights; those of another shape, as of a new head, keep their own start.

    Raises:
        UserError: the file is no checkpoint, or no weight fits.
    """
    own = module.state_dict()
    names = {name.replace(COMPILED, ""): name for name in own}
    given = {_renamed(name, names): value for name, value in read_weights(path).items()}
    fitting = {name: value for name, value in given.items() if name in own and own[name].shape == value.shape}
    if not fitting:
        raise UserError(f"weights must fit the model; got '{path}', none of whose {len(given)} weights do")
    module.load_state_dict({**own, **fitting})
    left_out = sorted(set(own) - set(fitting))
    if left_out:
        log.warning("weights: %s start anew: '%s' has none of that name and shape", list_names(left_out), path)


def _renamed(name: str, names: Mapping[str, str]) -> str:
    return names.get(name.replace(COMPILED, ""), name)
