"""Samplers and pruners from config: Optuna's own, with a seed that is never used twice."""

from __future__ import annotations

import inspect
import warnings
from pkgutil import resolve_name
from typing import Any

import numpy as np
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler

from tunesmith.checks import check_rule
from tunesmith.errors import UserError, closest
from tunesmith.rules import integer, or_null
from tunesmith.search.sampling.enumeration import Enumeration
from tunesmith.search.space.space import Space

EXHAUSTIVE = {"optuna.samplers.GridSampler": "grid", "optuna.samplers.BruteForceSampler": "bruteforce"}
# QMC keeps its position in the study, so all processes must use the same seed.
SEED_IS_SHARED = "optuna.samplers.QMCSampler"
# Values that configs of the official plugin spell out, though they are Optuna 5's only behaviour: it warns of each key.
SPELLED_OUT = {
    "consider_prior": True,
    "prior_weight": 1.0,
    "consider_magic_clip": True,
    "consider_endpoints": False,
    "warn_independent_sampling": True,
    "inc_popsize": 2,
}


def make_sampler(config: Any, space: Space, n_trials: int, seed: int | None, first_trial: int) -> BaseSampler:
    """Build the sampler; a space with no more points than n_trials, or the grid sampler, is enumerated.

    seed: as it is in the process that asks for trial 0. Any other process mixes in the number of its first trial,
    which belongs to no other process, so that no draw is repeated.

    Raises:
        UserError: the sampler cannot be built, or the grid is asked for over an infinite space.
    """
    exhaustive = _exhaustive(config)
    if exhaustive and space.num_points() is None:
        endless = [key for key, dimension in space.dimensions.items() if dimension.values() is None]
        endless += ["hydra.sweeper.custom_search_space"] * space.is_open
        raise UserError(
            f"hydra/sweeper/sampler={exhaustive} needs choices or ranges; got an interval for {', '.join(endless)}"
        )
    if is_enumerated(config, space, n_trials):
        return Enumeration(space)
    if isinstance(config, BaseSampler):
        return config
    own_seed = config.get("seed") if config.get("seed") is not None else seed
    check_rule("hydra.sweeper.sampler.seed", or_null(integer(0)), own_seed)
    if first_trial and own_seed is not None and config.get("_target_") != SEED_IS_SHARED:
        own_seed = int(np.random.SeedSequence((own_seed, first_trial)).generate_state(1)[0])
    sampler = _build("sampler", BaseSampler, config, seed=own_seed)
    assert isinstance(sampler, BaseSampler)
    return sampler


def is_enumerated(config: Any, space: Space, n_trials: int) -> bool:
    """Whether each point of a space is to run once."""
    num_points = space.num_points()
    return num_points is not None and (_exhaustive(config) is not None or num_points <= n_trials)


def _exhaustive(config: Any) -> str | None:
    """Return the name of a sampler that takes every point, None for any other sampler."""
    return EXHAUSTIVE.get(config.get("_target_")) if isinstance(config, DictConfig) else None


def make_pruner(config: Any) -> BasePruner:
    """Build the pruner; raises UserError if its arguments do not fit."""
    if isinstance(config, BasePruner):
        return config
    pruner = _build("pruner", BasePruner, config)
    assert isinstance(pruner, BasePruner)
    return pruner


def _build(name: str, kind: type, config: DictConfig, **arguments: Any) -> Any:
    key = f"hydra.sweeper.{name}"
    try:
        target = resolve_name(config._target_)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(f"{key}._target_ must be the path of a class; got '{config._target_}': {error}") from None
    if not (isinstance(target, type) and issubclass(target, kind)):
        raise UserError(f"{key}._target_ must be one of Optuna's {name}s; got '{config._target_}'")
    known = inspect.signature(target).parameters
    for argument in map(str, config):
        if argument not in known and not argument.startswith("_"):
            raise UserError(f"{key}.{argument}: there is no such key{closest(argument, known)}")
    given = {str(k): v for k, v in config.items() if v is not None and k not in arguments}
    kept = {k: v for k, v in given.items() if k not in SPELLED_OUT or v != SPELLED_OUT[k]}
    kept |= {k: v for k, v in arguments.items() if k in known and v is not None}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # whoever chose it knows
            return instantiate(OmegaConf.create(kept))
    except InstantiationException as error:
        cause = repr(error.__cause__ or error)
        raise UserError(f"{key} must be buildable; got {OmegaConf.to_container(config)}: {cause}") from None
