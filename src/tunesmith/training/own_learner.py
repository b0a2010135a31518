"""What a learner of the user's own needs of Lightning's Trainer, as far as its class tells; nothing is built."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from functools import cache
from types import CodeType
from typing import Any, Generic

from hydra._internal.instantiate._instantiate2 import _resolve_target

# What a subclass of Supervised may override: both engines call these.
FREE = ("__init__", "step", "predict", "parameter_groups", "forward", "extra_repr")
# What nn.Module lacks and a learner has in both engines.
_IN_BOTH = {"device", "dtype", "save_hyperparameters", "hparams", "hparams_initial", "example_input_array"}


def why_learner_needs_trainer(target: str) -> str | None:
    """Return why only Lightning's Trainer can train a learner, as words that follow its name; None if it need not."""
    try:
        learner = _resolve_target(target, "")
    except Exception:  # building it says what is wrong with it
        return "cannot be imported"
    return _why(learner)


@cache
def _why(learner: Any) -> str | None:
    from tunesmith.training.learner import Supervised  # imports Lightning, as the class has done

    if not (isinstance(learner, type) and issubclass(learner, Supervised)):
        return f"is no subclass of {Supervised.__module__}.{Supervised.__qualname__}"
    above = (*Supervised.__mro__, Generic)
    own = [each for each in learner.__mro__ if each not in above]
    for name in (name for each in own for name in vars(each)):
        if _is_overridden(name, own, Supervised):
            return f"overrides {name}"
    for method, value in (item for each in own for item in vars(each).items()):
        for code in _codes_of(value):
            for name in _names_on_self(code, code.co_varnames[: code.co_argcount][:1]):
                if name in _names_of_trainer():
                    return f"uses self.{name} in {method}"
    return None


def _is_overridden(name: str, own: list[type], base: type) -> bool:
    """Whether a subclass changes what Supervised does beyond what both engines call; its docstring changes nothing."""
    is_text = name.startswith("__") and not any(callable(vars(each).get(name)) for each in own)
    return name not in FREE and hasattr(base, name) and not is_text


@cache
def _names_of_trainer() -> frozenset[str]:
    """Return what Lightning's module has and nn.Module lacks: trainer, log, optimizers, hooks and the like."""
    from lightning import LightningModule
    from torch import nn

    return frozenset(dir(LightningModule)) - frozenset(dir(nn.Module)) - _IN_BOTH


def _codes_of(value: Any) -> Iterator[CodeType]:
    """Yield the code of a method, and of those that a property or another descriptor holds.

    The first argument of a static method is not the learner: often it is a tensor, which has a log, too.
    """
    if isinstance(value, staticmethod):
        return
    parts = [value, *(getattr(value, name, None) for name in ("__func__", "__wrapped__", "fget", "fset", "func"))]
    yield from {code: None for part in parts if isinstance(code := getattr(part, "__code__", None), CodeType)}


def _names_on_self(code: CodeType, first: tuple[str, ...]) -> Iterator[str]:
    """Yield the attributes that code reads or sets of the method's first argument; functions inside it count too."""
    loaded: Any = None
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "LOAD_SUPER_ATTR") and loaded in first:
            yield str(instruction.argval)
        loaded = _name_on_top(instruction)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names_on_self(inner, first)


def _name_on_top(instruction: dis.Instruction) -> Any:
    """Return the variable that an instruction puts on top of the stack; Python 3.13 loads two by one instruction."""
    is_load = instruction.opname.startswith(("LOAD_FAST", "LOAD_DEREF"))
    value = instruction.argval if is_load else None
    return value[-1] if isinstance(value, tuple) else value
