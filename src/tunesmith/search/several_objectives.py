"""What a study of several objectives cannot have: pruning, and samplers of one objective."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from tunesmith.config.renamed_targets import nodes_with_target
from tunesmith.errors import UserError

# What a config has that names no pruner: see conf/hydra/sweeper/tunesmith.yaml of the plugin.
DEFAULT_PRUNER = "optuna.pruners.MedianPruner"
NO_PRUNER = "optuna.pruners.NopPruner"
# Keys of the sweeper that build on the best trial.
_OF_THE_BEST = ("target", "no_improvement", "stages", "confirm")
_OF_ONE_OBJECTIVE = "CmaEsSampler"


def choose_pruner(pruner: Any, direction: str | Sequence[str], typed: Iterable[str] = ()) -> Any:
    """Return the pruner of a study; none instead of the default one if there are several objectives.

    pruner: a node, or an object; typed: overrides of the hydra node, as they were typed.

    Raises:
        UserError: there are several objectives, and a pruner was chosen for them.
    """
    target = pruner.get("_target_") if isinstance(pruner, DictConfig) else pruner
    if isinstance(direction, str) or target in (None, NO_PRUNER):
        return pruner
    from optuna.pruners import NopPruner  # which a mistake in a run's config does not wait for

    if isinstance(target, NopPruner):
        return pruner
    names = ("hydra/sweeper/pruner", "hydra.sweeper.pruner")
    if target == DEFAULT_PRUNER and not any(text.lstrip("+~").startswith(names) for text in typed):
        return OmegaConf.create({"_target_": NO_PRUNER})
    name = target.rpartition(".")[2] if isinstance(target, str) else type(pruner).__name__
    raise UserError(
        f"hydra/sweeper/pruner must be none with {len(direction)} objectives, as pruning compares the values of one; "
        f"got {name}: add hydra/sweeper/pruner=none"
    )


def check_sampler(sampler: Any, direction: str | Sequence[str]) -> None:
    """Raise UserError if a sampler takes one objective and there are several; what Optuna has not, its trial finds."""
    if isinstance(direction, str) or not isinstance(sampler, DictConfig):
        return
    for key, node in nodes_with_target(sampler, "hydra.sweeper.sampler"):
        name = str(node.get("_target_")).rpartition(".")[2]
        if name == _OF_ONE_OBJECTIVE:
            rule = f"a sampler for {len(direction)} objectives, such as tpe, nsgaii, gp or random"
            raise UserError(f"{key} must be {rule}; got {name}")


def check_best_is_not_needed(settings: Mapping[str, Any]) -> None:
    """Raise UserError for a key that builds on the best trial, if there are several objectives.

    settings: of the sweeper, as they were read.
    """
    direction = settings["direction"]
    for key in () if isinstance(direction, str) else _OF_THE_BEST:
        if settings[key] not in (None, ()):
            rule = f"left out with {len(direction)} objectives, as no trial is the best of them"
            raise UserError(f"hydra.sweeper.{key} must be {rule}; got one")


def describe(direction: str | Sequence[str]) -> str | None:
    """Return what a sweep says of its objectives beforehand; None if there is one."""
    if isinstance(direction, str):
        return None
    return f"no trial is pruned: pruning compares the values of one objective, and this study has {len(direction)}"
