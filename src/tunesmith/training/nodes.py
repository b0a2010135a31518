"""One node of a config -> what its `_target_` makes; a user's mistake becomes one line."""

from __future__ import annotations

from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from lightning.fabric.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig, OmegaConf

from tunesmith.errors import UserError
from tunesmith.renamed_targets import with_new_targets


def build_node(cfg: DictConfig, key: str, **arguments: Any) -> Any:
    """Build the node of a key with plain lists and dicts; a partial node that is given arguments is called.

    Raises:
        UserError: a user's mistake; a bug keeps its own error.
    """
    node = OmegaConf.select(with_new_targets(cfg, key), key)
    try:
        built = instantiate(node, _convert_="all", **({} if _is_partial(node) else arguments))
        return built(**arguments) if _is_partial(node) and arguments else built
    except InstantiationException as error:
        raise _explain(cfg, key, error) from None
    except TypeError as error:
        if _is_misfit(error):
            raise UserError(f"{key}: {' '.join(str(error).split())}") from None
        raise


def _is_partial(node: Any) -> bool:
    return isinstance(node, DictConfig) and bool(node.get("_partial_"))


def _explain(cfg: DictConfig, key: str, error: InstantiationException) -> Exception:
    """Return a UserError that names the key whose node could not be built, or the error itself if it is a bug."""
    cause = error.__cause__
    if isinstance(cause, UserError):
        return cause
    node_key = _written_key(cfg, str(error).rpartition("full_key: ")[2].strip() or key)
    is_flag = node_key.partition(".")[0] in ("loss", "trainer") and isinstance(cause, TypeError | ValueError)
    if is_flag or isinstance(cause, MisconfigurationException) or _is_misfit(cause):
        return UserError(f"{node_key}: {' '.join(str(cause).split())}")
    if str(error).startswith("Error locating target"):
        return UserError(f"{node_key}._target_ must be the path of something importable; got {cause}")
    return error


def _written_key(cfg: DictConfig, key: str) -> str:
    """Return where a node is written down: `model` for learner.model, which is ${model}."""
    parent, _, name = key.rpartition(".")
    above = OmegaConf.select(cfg, parent) if parent else None
    if isinstance(above, DictConfig) and name in above and OmegaConf.is_interpolation(above, name):
        raw = OmegaConf.to_container(above, resolve=False)
        assert isinstance(raw, dict)
        return str(raw[name]).strip("${}")
    return key


def _is_misfit(error: BaseException | None) -> bool:
    """Tell arguments that a class does not take, or lacks, from any other TypeError."""
    text = str(error)
    return isinstance(error, TypeError) and (
        "unexpected keyword argument" in text or ("missing" in text and "required" in text)
    )
