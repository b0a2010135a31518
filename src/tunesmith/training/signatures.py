"""The arguments of a config's nodes against the signatures of their classes, before anything is built."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from hydra._internal.instantiate._instantiate2 import _resolve_target
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from tunesmith.config.changes import show_value
from tunesmith.config.files import file_with
from tunesmith.config.meant_keys import hint_below
from tunesmith.config.node_keys import HYDRAS, check_node_keys, parts_of_run
from tunesmith.config.renamed_targets import RENAMED
from tunesmith.errors import UserError
from tunesmith.training.lean_classes import LEAN_CLASSES
from tunesmith.training.nodes import OURS
from tunesmith.training.shipped_nodes import is_as_shipped
from tunesmith.training.supervised import SupervisedLearning

Parameters = Mapping[str, inspect.Parameter]


def check_signatures(cfg: DictConfig) -> None:
    """Raise UserError for a key of a node that its class does not take, or for a node that does not say its class.

    A class with **kwargs takes any; a class that cannot be imported, or that Hydra refuses, is left to the one that
    builds the node, and so is a node that a class above builds by itself. Lightning's classes are not looked at if they
    are given what conf/ gives them.
    """
    check_node_keys(cfg, is_supervised=_is_supervised(cfg))
    for key, node in parts_of_run(cfg):
        if _is_built_by_another(cfg, key) or is_as_shipped(node, _ours_in(key)):
            continue
        parameters = _parameters_of(node)
        if parameters is None:
            continue
        if not _takes_any(parameters):
            _check_names(key, node, parameters)
        _check_required(key, node, parameters)


def _ours_in(key: str) -> frozenset[str]:
    return frozenset(each.removeprefix(f"{key}.") for each in OURS)


def _is_built_by_another(cfg: DictConfig, key: str) -> bool:
    """Whether a class above builds the node by itself: it may add arguments, or read keys that are for itself."""
    names = key.split(".")
    above = [OmegaConf.select(cfg, ".".join(names[:depth])) for depth in range(1, len(names))]
    return any(isinstance(node, DictConfig) and node.get("_recursive_") is False for node in above)


def _is_supervised(cfg: DictConfig) -> bool:
    target = OmegaConf.select(cfg, "learner._target_", default=None)
    learner = None if target is None else _located(str(target))
    return isinstance(learner, type) and issubclass(learner, SupervisedLearning)


def _check_names(key: str, node: DictConfig, parameters: Parameters) -> None:
    for name in map(str, node):
        if name not in parameters and name not in HYDRAS and f"{key}.{name}" not in OURS:
            raise UserError(
                f"{key}.{name}: {node['_target_']} takes no such argument; got {_value(node, name)}"
                f"{_origin(f'{key}.{name}')}{hint_below(key, name, _options(node, parameters) or parameters)[0]}"
            )


def _options(node: DictConfig, parameters: Parameters) -> list[str]:
    """Return the arguments that the node may give; what a partial node lacks, code gives."""
    is_partial = bool(node.get("_partial_"))
    return [name for name, each in parameters.items() if name in node or not (is_partial and _is_required(each))]


def _check_required(key: str, node: DictConfig, parameters: Parameters) -> None:
    """Raise UserError for an argument without default that a node lacks, if nobody calls the node with more."""
    if node.get("_partial_") or "_args_" in node:
        return
    for name, parameter in parameters.items():
        is_named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if is_named and _is_required(parameter) and name not in node:
            near = get_close_matches(name, [str(each) for each in node if each not in parameters], 1, 0.75)
            hint = f": did you mean it by {near[0]}?" if near else ", or _partial_: true if it is given by code"
            raise UserError(f"{key}.{name} must be given: {node['_target_']} needs it{hint}")


def _value(node: DictConfig, name: str) -> str:
    content = OmegaConf.to_container(node, resolve=False)
    assert isinstance(content, dict)
    return show_value(content[name])


def _is_required(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty


def _parameters_of(node: DictConfig) -> Parameters | None:
    """Return what a node's class takes by name; None if it cannot be asked."""
    parameters = _parameters(str(node["_target_"]))
    if parameters is None or not _takes_any(parameters):
        return parameters
    source = None if OmegaConf.is_missing(node, "source") else node.get("source")
    if not isinstance(source, DictConfig) or "_target_" not in source:
        return parameters
    of_source = _parameters(str(source["_target_"]))  # the data module hands on what is not its own
    return parameters if of_source is None or _takes_any(of_source) else {**_named(parameters), **_named(of_source)}


def _parameters(target: str) -> Parameters | None:
    made = _located(RENAMED.get(target, target))
    try:
        return None if made is None else _without_positional(inspect.signature(made).parameters)
    except (TypeError, ValueError):  # built-ins have none
        return None


def _without_positional(parameters: Parameters) -> Parameters:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)
    return {name: parameter for name, parameter in parameters.items() if parameter.kind not in kinds}


def _takes_any(parameters: Parameters) -> bool:
    return any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())


def _named(parameters: Parameters) -> Parameters:
    return {name: each for name, each in parameters.items() if each.kind is not inspect.Parameter.VAR_KEYWORD}


def _located(target: str) -> Any:
    try:
        # hydra.utils.get_object prints what it raises, and refuses nothing
        return _resolve_target(LEAN_CLASSES.get(target, target), "")
    except Exception:  # building the node says what is wrong with it
        return None


def _origin(key: str) -> str:
    """Return where a key was written, if this is a job of Hydra's, which knows the files."""
    hydra = HydraConfig.instance().cfg
    file = file_with(hydra, key) if isinstance(hydra, DictConfig) else None
    return "" if file is None else f" in {file.name}"
