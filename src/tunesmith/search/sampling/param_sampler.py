"""Draws the values of trials: by the sampler from the space, and by the user's own function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from omegaconf import DictConfig
from optuna import Study, Trial
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.pruners import NopPruner, _filter_study
from optuna.samplers import BaseSampler, RandomSampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial

from tunesmith.config.changes import show_value
from tunesmith.errors import UserError
from tunesmith.search.sampling.queued import NoPoint, check_queued, read_queued
from tunesmith.search.sampling.sampler import make_sampler, scope_of
from tunesmith.search.sampling.suggestions import suggest_by
from tunesmith.search.settings import Settings
from tunesmith.search.space.dimension import Dimension
from tunesmith.search.space.values import contains, own_value
from tunesmith.search.stages.stage import Stage
from tunesmith.search.study.fit import UNKNOWN
from tunesmith.search.study.scope import Scope
from tunesmith.search.study.shown_study import unwrapped
from tunesmith.search.study.stored_dimension import drawn_dimension, stored_dimension
from tunesmith.search.study.study import open_study
from tunesmith.search.study.study_of_space import StudyOfSpace
from tunesmith.search.study.trial import Attempt


class ParamSampler:
    """Draws the values of each trial of a stage; makes the sampler at the first one, whose number is part of the seed.

    A trial that was made with a listed point has the point's values, and otherwise those of the config.
    """

    def __init__(self, settings: Settings, stage: Stage, config: DictConfig) -> None:
        self._settings = settings
        self._stage = stage
        self.scope = scope_of(stage)
        self._space = stage.space
        self._config = config
        self._sampler: BaseSampler | None = None

    def draw(self, trial: Trial) -> Mapping[str, Any]:
        """Return override key -> value: keys of the space, and those that the user's function suggests in this call.

        Raises:
            NoPoint: the trial was queued with values that this command would not have drawn.
        """
        study = unwrapped(trial.study)
        if self._sampler is None:
            self._sampler = study.sampler = trial.study.sampler = self.make_sampler(first_trial=trial.number)
        trials = study.get_trials(deepcopy=False)
        queued = read_queued(trials, trial.number)
        params = self._draw_from_space(study, trial, trials, queued)
        if self._settings.custom_search_space is not None:
            drawn = suggest_by(self._settings.custom_search_space, self._config, trial, queued)
            suggested = {key: value for key, value in drawn.items() if key not in params}
            self._check(suggested)
            params |= suggested
        return params

    def recall(self, study: StudyOfSpace, trial: FrozenTrial) -> Mapping[str, Any]:
        """Return what draw has returned for a trial that has ended, as this command's space has it.

        Raises:
            NoPoint: the user's function would not suggest what the trial holds.
        """
        keys = dict.fromkeys(dimension.key for dimension in self.scope.recorded.values())
        values = {key: study.members.kept(trial, key) for key in keys}
        known = {key: value for key, value in values.items() if value is not UNKNOWN}
        if self._settings.custom_search_space is None:
            return known
        queued = {**Attempt(trial).params, **known}
        directions = [each.name.lower() for each in study.directions]
        replay = open_study(InMemoryStorage(), "replay", directions, NopPruner(), Scope(self._space))
        replay.enqueue_trial(queued)
        suggested = suggest_by(self._settings.custom_search_space, self._config, replay.ask(), queued)
        new = suggested.keys() - queued.keys()
        if new:
            raise NoPoint(f"hydra.sweeper.custom_search_space suggests {min(new)}, which the trial does not have")
        return {**known, **{key: value for key, value in suggested.items() if key not in known}}

    def _draw_from_space(
        self, study: Study, trial: Trial, trials: Sequence[FrozenTrial], queued: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return keys and values; a retry keeps what its trial has drawn, and what a key had that varied later only."""
        assert isinstance(study, StudyOfSpace)
        members = study.members if Attempt(trial).is_retry else None
        point = study.run_once.values(trials[trial.number])
        given = self._stage.held if point is None else {**self._stage.held, **point}
        params: dict[str, Any] = {}
        for name, dimension in self.scope.recorded.items():
            key = dimension.key
            if key in params or not dimension.is_active(params):
                continue
            kept = UNKNOWN if members is None else members.kept(trial, key)
            if kept is not UNKNOWN:
                params[key] = kept
            elif key in given:
                params[key] = _record(stored_dimension(dimension, trials), trial, given[key])
            elif point is None and name in self._space.dimensions:
                params[key] = _suggest(*drawn_dimension(self.scope, name, trials), trial, queued)
        return params

    def _check(self, suggested: Mapping[str, Any]) -> None:
        """Raise UserError if the function suggests a key that was typed: one of the two values would be lost."""
        typed = {text.partition("=")[0].lstrip("+"): text for text in self._space.fixed}
        for key in suggested:
            if key.lstrip("+") in typed:
                raise UserError(
                    f"{typed[key.lstrip('+')]}: hydra.sweeper.custom_search_space suggests {key} too; give one of them"
                )

    def make_sampler(self, first_trial: int) -> BaseSampler:
        """Build the sampler of a process whose first trial has this number; raises UserError if it cannot be built."""
        stage = self._stage
        if stage.only_points:
            return RandomSampler()  # draws nothing
        return make_sampler(stage.sampler, self._space, stage.n_trials, self._settings.seed, first_trial)


def _record(dimension: Dimension, trial: Trial, value: Any) -> Any:
    """Note a value that nothing has drawn as a param of a trial, if it is one that its key can vary over."""
    if contains(dimension, value):
        trial._fixed_params = {**trial._fixed_params, dimension.name: value}
        dimension.suggest(trial)
    return value


def _suggest(dimension: Dimension, drawn_from: BaseDistribution, trial: Trial, queued: Mapping[str, Any]) -> Any:
    """Have a trial draw a value from a distribution, and store it as one of its dimension."""
    check_queued(replace(dimension, distribution=drawn_from), queued)
    if drawn_from != dimension.distribution and not {dimension.key, dimension.name} & {*queued, *trial.params}:
        return own_value(dimension, _record(dimension, trial, _drawn(trial, dimension.name, drawn_from)))
    if dimension.key in queued and dimension.key in trial.params:  # Optuna would warn if it was of another range
        return own_value(dimension, queued[dimension.key])
    try:
        return own_value(dimension, dimension.suggest(trial))
    except ValueError as error:
        if dimension.key not in queued:
            raise
        raise NoPoint(f"it was queued with {dimension.key}={show_value(queued[dimension.key])}: {error}") from None


def _drawn(trial: Trial, name: str, distribution: BaseDistribution) -> Any:
    """Return a value as Trial.suggest_... draws it, which would store it with the distribution as well."""
    if isinstance(distribution, CategoricalDistribution) and distribution.single():
        return distribution.choices[0]
    if trial._is_relative_param(name, distribution):
        return trial.relative_params[name]
    latest = trial._get_latest_trial()
    return trial.study.sampler.sample_independent(_filter_study(trial.study, latest), latest, name, distribution)
