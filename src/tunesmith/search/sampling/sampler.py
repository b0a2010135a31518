"""Samplers and pruners from config: Optuna's own, with a seed that is never used twice."""

from __future__ import annotations

from typing import Any

import numpy as np
from omegaconf import DictConfig
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler

from tunesmith.errors import UserError
from tunesmith.search.sampling.buildable import build, check_arguments
from tunesmith.search.sampling.enumeration import Enumeration
from tunesmith.search.sampling.numbers_only import random_keys
from tunesmith.search.sampling.optimizer_state import read_states_alone
from tunesmith.search.space.space import Space
from tunesmith.search.stages.stage import Stage
from tunesmith.search.study.scope import Scope

EXHAUSTIVE = {"optuna.samplers.GridSampler": "grid", "optuna.samplers.BruteForceSampler": "bruteforce"}
TPE = "optuna.samplers.TPESampler"
# QMC keeps its position in the study, so all processes must use the same seed.
SEED_IS_SHARED = "optuna.samplers.QMCSampler"


def make_sampler(config: Any, space: Space, n_trials: int, seed: int | None, first_trial: int) -> BaseSampler:
    """Build the sampler; a space with no more points than n_trials, or the grid sampler, is enumerated.

    seed: as it is in the process that asks for trial 0. Any other process mixes in the number of its first trial,
    which belongs to no other process, so that no draw is repeated.

    Raises:
        UserError: the sampler cannot be built, or the grid is asked for over an infinite space.
    """
    read_states_alone()
    check_arguments("sampler", BaseSampler, config)
    exhaustive = _exhaustive(config)
    if exhaustive and space.num_points() is None:
        endless = [dimension.key for dimension in space.dimensions.values() if dimension.values() is None]
        endless += ["hydra.sweeper.custom_search_space"] * space.is_open
        raise UserError(
            f"hydra/sweeper/sampler={exhaustive} needs choices or ranges; got an interval for {', '.join(endless)}"
        )
    if is_enumerated(config, space, n_trials):
        return Enumeration(space)
    if isinstance(config, BaseSampler):
        return config
    own_seed = config.get("seed") if config.get("seed") is not None else seed
    if first_trial and own_seed is not None and config.get("_target_") != SEED_IS_SHARED:
        own_seed = int(np.random.SeedSequence((own_seed, first_trial)).generate_state(1)[0])
    further = _arguments_if_conditional(config) if space.is_conditional else {}
    if random_keys(config, space):
        further["warn_independent_sampling"] = False  # Optuna would warn of each draw
    sampler = build("sampler", config, seed=own_seed, **further)
    assert isinstance(sampler, BaseSampler)
    return sampler


def _arguments_if_conditional(config: DictConfig) -> dict[str, Any]:
    """Return what a sampler is to know of a space with conditional keys.

    TPE draws the keys that are active together from one estimate if it has `group`, and else each conditional key by
    itself, as Optuna's other samplers do, some of which would warn of it in each trial.
    """
    if config.get("_target_") != TPE:
        return {"warn_independent_sampling": False}
    is_told = config.get("group") is not None or config.get("multivariate") is False
    return {} if is_told else {"group": True, "multivariate": True}


def is_enumerated(config: Any, space: Space, n_trials: int) -> bool:
    """Whether each point of a space is to run once."""
    num_points = space.num_points()
    return num_points is not None and (_exhaustive(config) is not None or num_points <= n_trials)


def scope_of(stage: Stage) -> Scope:
    """Return what a stage looks at in its study."""
    enumerated = not stage.only_points and is_enumerated(stage.sampler, stage.space, stage.n_trials)
    return Scope(
        stage.space, stage.name, stage.whole, stage.held, stage.points, stage.only_points, is_enumerated=enumerated
    )


def _exhaustive(config: Any) -> str | None:
    """Return the name of a sampler that takes every point, None for any other sampler."""
    return EXHAUSTIVE.get(config.get("_target_")) if isinstance(config, DictConfig) else None


def make_pruner(config: Any) -> BasePruner:
    """Build the pruner; raises UserError if its arguments do not fit."""
    if isinstance(config, BasePruner):
        return config
    check_arguments("pruner", BasePruner, config)
    pruner = build("pruner", config)
    assert isinstance(pruner, BasePruner)
    return pruner
