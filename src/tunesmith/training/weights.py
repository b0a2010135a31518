"""Weights of a checkpoint -> a module, whether or not torch.compile has wrapped parts of it."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from tunesmith.errors import UserError, list_names

if TYPE_CHECKING:
    import lightning as L

log = logging.getLogger(__name__)

# What torch.compile adds to the names of a module's parameters.
COMPILED = "_orig_mod."
# What torch.load raises for a file that it did not write, such as a text, whatever letters that begins with.
NO_CHECKPOINT = (
    OSError,
    EOFError,
    RuntimeError,
    pickle.UnpicklingError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
)


def load_weights(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load a state_dict; parts that torch.compile wraps may be wrapped in the module, in the state, or in both.

    A LightningModule with strict_loading=False, whose state_dict leaves frozen parts out, may lack some.

    Raises:
        RuntimeError: names or shapes differ.
    """
    names = {name.replace(COMPILED, ""): name for name in module.state_dict()}
    renamed = {_own_name(name, names): value for name, value in weights.items()}
    module.load_state_dict(renamed, strict=getattr(module, "strict_loading", True))


def load_checkpoint(module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
    """Load a module's weights, and what it keeps in checkpoints by its own on_load_checkpoint, as Lightning does."""
    module.on_load_checkpoint(checkpoint)
    load_weights(module, checkpoint["state_dict"])


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the state_dict of a run's checkpoint; raises UserError if the file is none."""
    return read_part("weights", path, "state_dict")


def read_part(key: str, path: Path, part: str) -> dict[str, Any]:
    """Return a part of a checkpoint, a dict; raises UserError that names the config's key if the file is none."""
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)[part]
    except NO_CHECKPOINT:
        raise UserError(f"{key} must be a checkpoint that a run wrote; got '{path}'") from None
    assert isinstance(found, dict)
    return found


def start_from(module: nn.Module, weights: Mapping[str, Any], origin: str) -> None:
    """Start a module from another run's weights; those of another shape, as of a new head, keep their own start.

    origin: where the weights come from, for messages.

    Raises:
        UserError: no weight fits.
    """
    own = module.state_dict()
    names = {name.replace(COMPILED, ""): name for name in own}
    given = {_own_name(name, names): value for name, value in weights.items()}
    fitting = {name: value for name, value in given.items() if name in own and _is_alike(own[name], value)}
    if not fitting:
        raise UserError(f"weights must fit the model; got '{origin}', none of whose {len(given)} weights do")
    unknown = {name: value for name, value in given.items() if name not in own}  # a hook of the module may know them
    module.load_state_dict({**own, **fitting, **unknown}, strict=False)
    left_out = sorted(set(own) - set(fitting))
    if left_out:
        log.warning("weights: %s start anew: '%s' has none of that name and shape", list_names(left_out), origin)


def _is_alike(own: Any, given: Any) -> bool:
    """Whether both are tensors of one shape; a module's extra state may be anything."""
    return isinstance(own, Tensor) and isinstance(given, Tensor) and own.shape == given.shape


def _own_name(name: str, names: Mapping[str, str]) -> str:
    """Return the module's own name of a weight; one that it lacks is named as the weight of the same layer is."""
    plain = name.replace(COMPILED, "")
    layer, _, last = plain.rpartition(".")
    if plain in names or f"{layer}.weight" not in names:
        return names.get(plain, name)
    return names[f"{layer}.weight"].removesuffix("weight") + last
