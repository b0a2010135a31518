"""One node of a config -> what its `_target_` makes; a user's mistake becomes one line."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import Any

import hydra
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from tunesmith.config.doors import written_at
from tunesmith.config.renamed_targets import with_new_targets
from tunesmith.errors import UserError, text_of
from tunesmith.short_traceback import place_of
from tunesmith.training.complaints import MISCONFIGURATION
from tunesmith.training.imported import is_of
from tunesmith.training.lean_classes import LEAN_CLASSES

# Keys of ours in nodes of other people's classes, which do not get them: make_schedules and the engines read them.
OURS = ("scheduler.interval", "trainer.engine", "trainer.save_interval")
# What Lightning says of two callbacks whose states have one key in a checkpoint.
TWICE = "Found more than one stateful callback"


def build_node(cfg: DictConfig, key: str, is_lean: bool = False, **arguments: Any) -> Any:
    """Build the node of a key with plain lists and dicts; a partial node that is given arguments is called.

    is_lean: a class of ours that adds Lightning's hooks is built without them, see LEAN_CLASSES.

    Raises:
        UserError: a user's mistake; a bug keeps its own error.
    """
    node = _without_ours(OmegaConf.select(with_new_targets(cfg, key), key), key)
    try:
        target = _lean_target(node) if is_lean else {}
        built = instantiate(node, _convert_="all", **target, **({} if _is_partial(node) else arguments))
        return built(**arguments) if _is_partial(node) and arguments else built
    except InstantiationException as error:
        raise _explain(cfg, key, error) from None
    except TypeError as error:
        if _is_misfit(error, node):
            raise UserError(f"{key}: {' '.join(str(error).split())}") from None
        raise


def _without_ours(node: Any, key: str) -> Any:
    """Return the node of a key, or a copy without our keys if it has some; the copy reads the same interpolations."""
    names = list(map(str, node)) if isinstance(node, DictConfig) else []
    kept_names = [name for name in names if f"{key}.{name}" not in OURS]
    if kept_names == names:
        return node
    kept = OmegaConf.masked_copy(node, kept_names)
    kept._set_parent(node._get_parent())
    kept._set_key(node._key())
    return kept


def _is_partial(node: Any) -> bool:
    return isinstance(node, DictConfig) and bool(node.get("_partial_"))


def _lean_target(node: Any) -> dict[str, str]:
    lean = LEAN_CLASSES.get(str(node.get("_target_"))) if isinstance(node, DictConfig) else None
    return {} if lean is None else {"_target_": lean}


def _explain(cfg: DictConfig, key: str, error: InstantiationException) -> Exception:
    """Return a UserError that names the key whose node could not be built, or the error itself if it is a bug."""
    cause = error.__cause__
    if isinstance(cause, UserError):
        return cause
    node_key = written_at(cfg, str(error).rpartition("full_key: ")[2].strip() or key)
    if cause is None:  # Hydra's own refusal, such as of a class by which a config would run commands
        return UserError(f"{node_key}._target_ is refused by Hydra: {_without_key(error)}")
    is_flag = node_key.partition(".")[0] in ("loss", "trainer") and isinstance(cause, TypeError | ValueError)
    if isinstance(cause, RuntimeError) and TWICE in str(cause):
        return UserError(
            f"callbacks: {str(cause).partition('.')[0]}: leave one out, or give it another monitor or mode"
        )
    if is_flag or is_of(cause, MISCONFIGURATION) or _is_misfit(cause, OmegaConf.select(cfg, key)):
        return UserError(f"{node_key}: {' '.join(str(cause).split())}")
    if str(error).startswith("Error locating target"):
        return UserError(f"{node_key}._target_ must be the path of something importable; got {_unimportable(cause)}")
    return error


def _unimportable(error: BaseException | None) -> str:
    """Return Hydra's reason, and file and line if it is an error in a module that is there."""
    innermost = error
    while innermost is not None and innermost.__cause__ is not None:
        innermost = innermost.__cause__
    place = None if innermost is None else place_of(innermost)
    if innermost is None or place is None:
        return str(error)
    loaded = str(error).partition(":")[0]  # Error loading 'PATH'
    text = innermost.msg if isinstance(innermost, SyntaxError) else text_of(innermost)
    return f"{loaded}: {type(innermost).__name__}: {text} ({place})"


def _without_key(error: InstantiationException) -> str:
    return " ".join(str(error).partition("\nfull_key:")[0].split())


def _is_misfit(error: BaseException | None, node: Any) -> bool:
    """Tell arguments that a class does not take, or lacks, from a TypeError of the class's own code.

    A subclass may hand keys of its node on to its base class, which then is the one that does not take them.
    """
    if not isinstance(error, TypeError):
        return False
    unexpected = re.search(r"unexpected keyword argument '(\w+)'", str(error))
    is_of_the_call = ("missing" in str(error) and "required" in str(error)) or unexpected is not None
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    caller = Path(frame.f_code.co_filename)
    is_called_here = caller == Path(__file__) or Path(hydra.__file__).parent in caller.parents
    return is_of_the_call and (is_called_here or (unexpected is not None and unexpected[1] in node))
