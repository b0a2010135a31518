"""Draws the values of trials: by the sampler from the space, and by the user's own function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from omegaconf import DictConfig
from optuna import Trial
from optuna.samplers import BaseSampler

from tunesmith.errors import UserError
from tunesmith.search.sampling.sampler import make_sampler
from tunesmith.search.sampling.stored_dimension import stored_dimension
from tunesmith.search.sampling.suggestions import suggest_by
from tunesmith.search.settings import Settings
from tunesmith.search.space.space import Space
from tunesmith.search.study.members import UNKNOWN
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
        """Return override key -> value."""
        if self._sampler is None:
            self._sampler = trial.study.sampler = self.make_sampler(first_trial=trial.number)
        params = dict(self._draw_from_space(trial))
        if self._settings.custom_search_space is not None:
            suggest_by(self._settings.custom_search_space, self._config, trial)
            drawn = Attempt(trial).params
            suggested = {key: value for key, value in drawn.items() if key not in params}
            self._check(suggested)
            params |= suggested
        return params

    def _draw_from_space(self, trial: Trial) -> Iterator[tuple[str, Any]]:
        """Yield keys and values; a retry keeps what its trial has drawn, and what a key had that varied later only."""
        study = trial.study
        trials = study.get_trials(deepcopy=False)
        members = study.members if isinstance(study, StudyOfSpace) and Attempt(trial).is_retry else None
        for key, dimension in self._space.dimensions.items():
            kept = UNKNOWN if members is None else members.kept(trial, key)
            yield key, stored_dimension(dimension, trials).suggest(trial) if kept is UNKNOWN else kept

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
