"""The checks of a sweep before anything is recorded, and what a dry run shows."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError
from optuna.pruners import BasePruner, NopPruner
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage

from tunesmith.config.in_job import resolved_as_in_job
from tunesmith.errors import UserError
from tunesmith.search.console.lines import say, show_planned, show_space, show_stage
from tunesmith.search.named_function import NamedEvaluation, NamedFunction
from tunesmith.search.prepared_stage import PreparedStage
from tunesmith.search.sampling.buildable import check_arguments
from tunesmith.search.sampling.numbers_only import describe_random_keys
from tunesmith.search.sampling.sampler import is_enumerated, make_pruner
from tunesmith.search.sampling.tryout import try_search
from tunesmith.search.settings import PREFIX, Settings
from tunesmith.search.several_objectives import describe
from tunesmith.search.space.compose import Composer
from tunesmith.search.space.space import Space
from tunesmith.search.stages.stage import Stage
from tunesmith.search.storage.storage import check_reachable, check_url
from tunesmith.search.study.budget import ask
from tunesmith.search.study.scope import Scope
from tunesmith.search.study.study import open_study
from tunesmith.search.study.study_of_space import StudyOfSpace

NUM_EXAMPLES = 5
# What is composed of a long list of choices, and of many combinations of group choices: the ends and a spread.
MAX_CHOICES = 16
MAX_GROUP_COMBINATIONS = 64


def check_sweep(settings: Settings, stages: Sequence[PreparedStage]) -> list[str]:
    """Compose the config at the ends of every dimension; raises UserError or Hydra's own error if it cannot run.

    stages: as far as they are known before any trial.

    Returns: what the app's check says of the trials, each line once.
    """
    varied = {dimension.plain_key for stage in stages for dimension in stage.stage.space.dimensions.values()}
    if settings.check is not None and "study_name" in varied:
        raise UserError("study_name must be one name in a sweep, not a choice of several: give each a sweep of its own")
    check_url(settings.storage)
    for stage in stages:
        _check_arguments(stage.stage)
    if not settings.dry_run:
        check_reachable(settings.storage)
    said = [describe(settings.direction), *map(_describe_draws, stages), *_check_configs(settings, stages)]
    for stage in stages:
        stage.sampler.make_sampler(first_trial=0)  # a key that cannot be searched may be one that does not belong here
        make_pruner(stage.stage.pruner)
        try_search(settings, stage.stage)
    for function in (settings.on_start, settings.on_finish, settings.linear_model):
        if isinstance(function, NamedFunction | NamedEvaluation):
            function.load()
    if settings.custom_search_space is not None:
        said.append(_check_suggested(settings, stages[0]))
    return [line for line in dict.fromkeys(said) if isinstance(line, str)]


def _check_arguments(stage: Stage) -> None:
    try:
        check_arguments("sampler", BaseSampler, stage.sampler)
        check_arguments("pruner", BasePruner, stage.pruner)
    except UserError as error:
        raise error if stage.name is None else UserError(f"stage {stage.name}: {error}") from None


def _describe_draws(prepared: PreparedStage) -> str | None:
    stage = prepared.stage
    if stage.only_points or is_enumerated(stage.sampler, stage.space, stage.n_trials):
        return None
    return describe_random_keys(stage.sampler, stage.space)


def _check_configs(settings: Settings, stages: Sequence[PreparedStage]) -> list[str | None]:
    """Compose and check the config at each extreme of each stage; return what the app's check says of them."""
    objective: Sequence[Any] | None = None
    said: list[str | None] = []
    for stage in stages:
        for params in _extremes(stage.stage.space, stage.composer):
            extreme = _compose({**stage.stage.held, **params}, stage.stage.space, stage.composer)
            if settings.check is not None:
                said.append(_check(extreme, settings.check))
                objective = _same_objective(extreme, objective)
    return said


def _check(cfg: DictConfig, check: Callable[[DictConfig], str | None]) -> str | None:
    with resolved_as_in_job(cfg, "hydra.sweep.dir", "hydra.sweep.subdir"):
        return check(cfg)


def _check_suggested(settings: Settings, stage: PreparedStage) -> str | None:
    """Compose and check a trial with values that the user's function suggests."""
    study = open_study(InMemoryStorage(), "check", settings.direction, NopPruner(), Scope(stage.stage.space))
    suggested = stage.composer.compose(copy(stage.sampler).draw(study.ask()), 0, "0")
    return None if settings.check is None else _check(suggested, settings.check)


def _compose(params: Mapping[str, Any], space: Space, composer: Composer) -> DictConfig:
    """Compose a trial's config; raise UserError if it lacks a key that nobody typed: the config's space varies it."""
    try:
        return composer.compose(params, 0, "0")
    except HydraException as error:
        cause = error.__cause__
        key = str(cause.full_key) if isinstance(cause, ConfigAttributeError | ConfigKeyError) else None
        is_varied = any(dimension.key == key for dimension in space.dimensions.values())
        if not is_varied or any(text.lstrip("+~").startswith(f"{key}=") for text in sys.argv[1:]):
            raise
    chosen = " ".join(f"{name}={value}" for name, value in params.items() if composer.is_group(name))
    source = "".join(f"space={name}" for name in composer.space_choices())
    has_group = composer.is_group("space")
    way_out = (
        "add space=none, so that only typed keys vary, or space=NAME of a file that fits"
        if has_group
        else "leave it out"
    )
    raise UserError(
        f"{key} is varied by {source or f'{PREFIX}params'}, but there is no such key{chosen and f' with {chosen}'}: "
        f"{way_out}, or give each choice a sweep of its own"
    )


def _same_objective(cfg: DictConfig, objective: Sequence[Any] | None) -> Sequence[Any]:
    """Return the objectives of a config; raise UserError if they are not those of the other trials, None so far."""
    keys = ("objective.metric", "objective.mode", "objective.others")
    of_cfg = [OmegaConf.select(cfg, key) for key in keys]
    for key, first, other in zip(keys, objective or of_cfg, of_cfg, strict=True):
        if first != other:
            raise UserError(
                f"{key} must be the same in all trials of a study, or its best trial means nothing; got {first} and "
                f"{other}: give each a sweep of its own"
            )
    return of_cfg


def show_examples(settings: Settings, stages: Sequence[PreparedStage], remarks: Sequence[str] = ()) -> None:
    """Print each stage, and the first configurations that the first one would try, drawn in a temporary study."""
    first, *later = stages
    space = first.stage.space
    keys = {name: each for stage in reversed(stages) for name, each in stage.stage.space.dimensions.items()}
    show_space(replace(space, dimensions={**space.dimensions, **keys}), remarks)
    if first.stage.name is not None:
        show_stage(first.stage, first.n_trials)
    for stage in later:
        show_planned(stage.stage, stage.most_trials)
    of_first = f" of stage {first.stage.name}" if first.stage.name is not None else ""
    say(f"dry run: every key exists and every end of the space composes; the first configurations{of_first}")
    study = _temporary_study(settings, first)
    number = first.points.most_trials(NUM_EXAMPLES)
    for _ in range(number):
        trial = ask(study, number)
        if trial is not None:
            say("  " + "  ".join(first.scope.full_space.overrides(first.sampler.draw(trial))))


def _temporary_study(settings: Settings, stage: PreparedStage) -> StudyOfSpace:
    pruner, record = make_pruner(stage.stage.pruner), stage.record if stage.stage.points else None
    return open_study(InMemoryStorage(), "dry run", settings.direction, pruner, stage.scope, record)


def _extremes(space: Space, composer: Composer) -> Iterator[Mapping[str, Any]]:
    """Yield every end of every dimension once, for each combination of group choices and of conditions.

    Of long lists a spread.
    """
    switches = space.switches
    leading = [each for each in space.dimensions.values() if composer.is_group(each.key) or each.plain_key in switches]
    contexts: list[Mapping[str, Any]] = []
    for combination in _combinations([each.values() or () for each in leading]):
        context = _first_values(space, dict(zip([each.name for each in leading], combination, strict=True)))
        if context not in contexts:
            contexts.append(context)
    for context in contexts:
        yield context
        free = [each for each in space.active(context) if each not in leading]
        ends = {each.key: [each.extremes()[i] for i in _spread(len(each.extremes()), MAX_CHOICES)] for each in free}
        if space.is_conditional:  # one at a time would be hundreds of configs: all keys go on together
            yield from _together(context, ends)
        else:
            yield from ({**context, key: value} for key, values in ends.items() for value in values[1:])


def _together(context: Mapping[str, Any], ends: Mapping[str, Sequence[Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield as many configurations as the longest list has ends, so that each end is in one of them."""
    for place in range(1, max(map(len, ends.values()), default=0)):
        yield {**context, **{key: values[min(place, len(values) - 1)] for key, values in ends.items()}}


def _first_values(space: Space, chosen: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values of a trial that has these ones, by their dimensions' names, if active, and else first ends."""
    params: dict[str, Any] = {}
    for name, dimension in space.dimensions.items():
        if dimension.is_active(params):
            params[dimension.key] = chosen[name] if name in chosen else dimension.extremes()[0]
    return params


def _combinations(choices: Sequence[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield combinations of the choices of several groups; of more than MAX_GROUP_COMBINATIONS a spread."""
    for place in _spread(math.prod(map(len, choices)), MAX_GROUP_COMBINATIONS):
        combination = []
        for values in reversed(choices):
            place, index = divmod(place, len(values))
            combination.append(values[index])
        yield tuple(reversed(combination))


def _spread(number: int, most: int) -> list[int]:
    """Return up to most of the places 0 ... number - 1: the first, the last, and places evenly between them."""
    if number <= most:
        return list(range(number))
    return [index * (number - 1) // (most - 1) for index in range(most)]
