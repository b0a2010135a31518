"""Tries sampler and pruner in a study in memory: what does not work fails here, not in every trial of the study."""

from __future__ import annotations

import inspect
import logging
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import optuna
from omegaconf import DictConfig
from optuna import Study, Trial
from optuna.pruners import BasePruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import TrialState

from tunesmith.config.renamed_targets import nodes_with_target
from tunesmith.errors import UserError, text_of
from tunesmith.rules import is_integer
from tunesmith.search.sampling.sampler import is_enumerated, make_pruner, make_sampler
from tunesmith.search.settings import Settings
from tunesmith.search.space.space import Space
from tunesmith.search.stages.stage import Stage
from tunesmith.search.study.study import directions_of

# Their first draw imports torch or cmaes, which a sweep with workers would pay for once more: they draw at random here.
HEAVY = ("optuna.samplers.GPSampler", "optuna.samplers.CmaEsSampler")
# Enough for a sampler to draw from what it has seen, and for a pruner to compare.
NUM_TRIALS, NUM_STEPS = 8, 3
# What is drawn at random, or never pruned, before a sampler or pruner begins to work: here it begins at once.
_STARTUP = {"n_startup_trials": 1, "n_warmup_steps": 0, "bootstrap_count": 0, "popsize": 4, "population_size": 4}


def try_search(settings: Settings, stage: Stage) -> None:
    """Ask for trials, report and tell, past those that are drawn at random.

    A sampler or pruner that came as an object is left alone: its next draw would be another one.

    Raises:
        UserError: sampler or pruner raises.
    """
    with _silence():
        study = optuna.create_study(
            directions=directions_of(settings.direction), sampler=_sampler(settings, stage), pruner=_pruner(stage)
        )
        for _ in range(NUM_TRIALS):
            _try_trial(study, stage)


def _sampler(settings: Settings, stage: Stage) -> BaseSampler:
    config = stage.sampler
    if stage.only_points or not isinstance(config, DictConfig) or is_enumerated(config, stage.space, stage.n_trials):
        return RandomSampler()
    return make_sampler(_early(config), stage.space, stage.n_trials, settings.seed, first_trial=0)


def _pruner(stage: Stage) -> BasePruner:
    return make_pruner(_early(stage.pruner)) if isinstance(stage.pruner, DictConfig) else NopPruner()


def _try_trial(study: Study, stage: Stage) -> None:
    with _blame("sampler", stage.sampler):
        trial = study.ask()
        _draw(trial, stage.space)
    num_objectives = len(study.directions)
    with _blame("pruner", stage.pruner):
        for step in range(1, (NUM_STEPS if num_objectives == 1 else 0) + 1):
            trial.report(trial.number % 3 + 1 / step, step)
            trial.should_prune()
    with _blame("sampler", stage.sampler):
        if trial.number % 4 == 3:
            study.tell(trial, state=TrialState.PRUNED if num_objectives == 1 else TrialState.FAIL)
        else:
            study.tell(trial, [float((trial.number + shift) % 3) for shift in range(num_objectives)])


def _draw(trial: Trial, space: Space) -> None:
    params: dict[str, Any] = {}
    for dimension in space.dimensions.values():
        if dimension.is_active(params):
            params[dimension.key] = dimension.suggest(trial)
    if not space.dimensions:  # the user's own function draws all
        trial.suggest_float("x", 0, 1)


def _early(config: DictConfig) -> DictConfig:
    """Return a copy of a node whose class begins to work after its first trial."""
    early = deepcopy(config)
    for _, node in nodes_with_target(early, ""):
        known = inspect.signature(resolve_name(node._target_)).parameters
        for argument, most in _STARTUP.items():
            given = node.get(argument)
            if argument in known and (given is None or (is_integer(given) and given > most)):
                node[argument] = most
        if node._target_ in HEAVY:
            node.n_startup_trials = NUM_TRIALS
    return early


@contextmanager
def _blame(name: str, config: Any) -> Iterator[None]:
    """Turn what a sampler or a pruner raises into a line that says which, and where."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        *_, last = traceback.extract_tb(error.__traceback__)
        reason = f"{type(error).__name__}: {text_of(error)} ({Path(last.filename).name}, line {last.lineno})"
        raise UserError(f"hydra.sweeper.{name} must work in a trial; got {config}: {reason}") from None


@contextmanager
def _silence() -> Iterator[None]:
    """Keep to itself what Optuna says of these trials; it says so again of the study's own."""
    logger = logging.getLogger("optuna")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
