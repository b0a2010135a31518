"""Draws the values of trials: by the sampler from the space, and by the user's own function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig
from optuna import Trial
from optuna.pruners import NopPruner
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial

from tunesmith.config.changes import show_value
from tunesmith.errors import UserError
from tunesmith.search.sampling.queued import NoPoint, check_queued, own_value, read_queued
from tunesmith.search.sampling.sampler import make_sampler
from tunesmith.search.sampling.stored_dimension import stored_dimension
from tunesmith.search.sampling.suggestions import suggest_by
from tunesmith.search.settings import Settings
from tunesmith.search.space.dimension import Dimension
from tunesmith.search.space.space import Space
from tunesmith.search.study.members import UNKNOWN
from tunesmith.search.study.study import open_study
from tunesmith.search.study.study_of_space import StudyOfSpace
from tunesmith.search.study.trial import Attempt


class ParamSampler:
    """Draws the values of each trial; makes the sampler at the first trial, whose number is part of the seed."""

    def __init__(self, settings: Settings, space: Space, config: DictConfig) -> None:
        self._settings = settings
        self._space = space
        self._config = config
        self._sampler: BaseSampler | None = None

    def draw(self, trial: Trial) -> Mapping[str, Any]:
        """Return override key -> value: keys of the space, and those that the user's function suggests in this call.

        Raises:
            NoPoint: the trial was queued with values that this command would not have drawn.
        """
        if self._sampler is None:
            self._sampler = trial.study.sampler = self.make_sampler(first_trial=trial.number)
        trials = trial.study.get_trials(deepcopy=False)
        queued = read_queued(trials, trial.number)
        params = self._draw_from_space(trial, trials, queued)
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
        keys = dict.fromkeys(dimension.key for dimension in self._space.dimensions.values())
        values = {key: study.members.kept(trial, key) for key in keys}
        known = {key: value for key, value in values.items() if value is not UNKNOWN}
        if self._settings.custom_search_space is None:
            return known
        queued = {**Attempt(trial).params, **known}
        replay = open_study(InMemoryStorage(), "replay", study.direction.name.lower(), NopPruner(), self._space)
        replay.enqueue_trial(queued)
        suggested = suggest_by(self._settings.custom_search_space, self._config, replay.ask(), queued)
        new = suggested.keys() - queued.keys()
        if new:
            raise NoPoint(f"hydra.sweeper.custom_search_space suggests {min(new)}, which the trial does not have")
        return {**known, **{key: value for key, value in suggested.items() if key not in known}}

    def _draw_from_space(
        self, trial: Trial, trials: Sequence[FrozenTrial], queued: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return keys and values; a retry keeps what its trial has drawn, and what a key had that varied later only."""
        study = trial.study
        members = study.members if isinstance(study, StudyOfSpace) and Attempt(trial).is_retry else None
        params: dict[str, Any] = {}
        for dimension in self._space.dimensions.values():
            if not dimension.is_active(params):
                continue
            kept = UNKNOWN if members is None else members.kept(trial, dimension.key)
            stored = stored_dimension(dimension, trials)
            params[dimension.key] = _suggest(stored, trial, queued) if kept is UNKNOWN else kept
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
        settings = self._settings
        return make_sampler(settings.sampler, self._space, settings.n_trials, settings.seed, first_trial)


def _suggest(dimension: Dimension, trial: Trial, queued: Mapping[str, Any]) -> Any:
    check_queued(dimension, queued)
    if dimension.key in queued and dimension.key in trial.params:  # Optuna would warn if it was of another range
        return own_value(dimension, queued[dimension.key])
    try:
        return own_value(dimension, dimension.suggest(trial))
    except ValueError as error:
        if dimension.key not in queued:
            raise
        raise NoPoint(f"it was queued with {dimension.key}={show_value(queued[dimension.key])}: {error}") from None
