"""Builds a sampler or a pruner from its node of the config, and names the argument that does not fit."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from inspect import Parameter
from pkgutil import resolve_name
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from optuna import pruners, samplers
from optuna.exceptions import ExperimentalWarning

from tunesmith.checks import check_rule
from tunesmith.config.renamed_targets import nodes_with_target
from tunesmith.errors import UserError, closest
from tunesmith.rules import or_null
from tunesmith.rules.table import rules_of

# Values that configs of the official plugin spell out, though they are Optuna 5's only behaviour: it warns of each key.
SPELLED_OUT = {
    "consider_prior": True,
    "prior_weight": 1.0,
    "consider_magic_clip": True,
    "consider_endpoints": False,
    "warn_independent_sampling": True,
    "inc_popsize": 2,
}
# Arguments of which the first must be less than the second.
_ORDERED = (("min_resource", "max_resource"), ("lower", "upper"))


def check_arguments(name: str, kind: type, config: Any) -> None:
    """Check the arguments of a sampler or pruner and of those inside it.

    name: sampler or pruner, the key in hydra.sweeper. kind: the base class of both.

    Raises:
        UserError: names the first argument at fault, its rule and its value.
    """
    key = f"hydra.sweeper.{name}"
    if isinstance(config, kind):
        return
    if not isinstance(config, DictConfig) or not isinstance(config.get("_target_"), str):
        got = "null" if config is None else config
        raise UserError(f"{key} must be a node with a _target_; got {got}: choose one by hydra/sweeper/{name}=NAME")
    for node_key, node in nodes_with_target(config, key):
        known = _signature(node_key, kind if node is config else None, node)
        for argument in map(str, node):
            if argument not in known and not argument.startswith("_"):
                raise UserError(f"{node_key}.{argument}: there is no such key{closest(argument, known)}")
        for argument, rule in rules_of(node._target_).items():
            if argument in node:
                of_value = rule if _is_required(known, argument) else or_null(rule)
                check_rule(f"{node_key}.{argument}", of_value, node[argument])
        _check_order(node_key, node)


def build(name: str, config: DictConfig, **arguments: Any) -> Any:
    """Build the sampler or pruner of a node whose arguments check_arguments has passed.

    Raises:
        UserError: the class itself refuses an argument.
    """
    known = inspect.signature(resolve_name(config._target_)).parameters
    given = {str(k): v for k, v in config.items() if k not in arguments}
    given = {k: v for k, v in given.items() if v is not None or _is_required(known, k)}
    kept = {k: v for k, v in given.items() if k not in SPELLED_OUT or v != SPELLED_OUT[k]}
    kept |= {k: v for k, v in arguments.items() if k in known and v is not None}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # whoever chose it knows
            return instantiate(OmegaConf.create(kept))
    except InstantiationException as error:
        cause = repr(error.__cause__ or error)
        raise UserError(
            f"hydra.sweeper.{name} must be buildable; got {OmegaConf.to_container(config)}: {cause}"
        ) from None


def _signature(key: str, kind: type | None, node: DictConfig) -> Mapping[str, Parameter]:
    """Return the parameters of a node's class; raise UserError if there is no such class, or it is not of the kind."""
    path, name = node._target_, key.rpartition(".")[2]
    try:
        target = resolve_name(path)
    except (ImportError, AttributeError, ValueError, SyntaxError) as error:
        raise UserError(
            f"{key}._target_ must be the path of a class; got '{path}': {error}{closest(path, _paths(kind or object))}"
        ) from None
    if kind is not None and not (isinstance(target, type) and issubclass(target, kind)):
        raise UserError(f"{key}._target_ must be one of Optuna's {name}s; got '{path}'{closest(path, _paths(kind))}")
    return inspect.signature(target).parameters


def _paths(kind: type) -> list[str]:
    """Return the paths of Optuna's classes of a kind."""
    classes = [(module, getattr(module, name)) for module in (samplers, pruners) for name in module.__all__]
    return [
        f"{module.__name__}.{of_module.__name__}"
        for module, of_module in classes
        if isinstance(of_module, type) and issubclass(of_module, kind) and not of_module.__name__.startswith("Base")
    ]


def _is_required(known: Mapping[str, Parameter], argument: Any) -> bool:
    return argument in known and known[argument].default is Parameter.empty


def _check_order(key: str, node: DictConfig) -> None:
    for less, more in _ORDERED:
        if less in node and more in node and _is_above(node[less], node[more]):
            raise UserError(f"{key}.{less} must be less than {more}={node[more]}; got {node[less]}")


def _is_above(less: Any, more: Any) -> bool:
    return all(isinstance(value, int | float) for value in (less, more)) and not less < more
