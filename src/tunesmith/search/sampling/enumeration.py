"""A small space, each point of it once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from tunesmith.search.study.trial import Attempt


class Enumeration(BaseSampler):
    """Gives each trial its point of a finite space, by its position among the study's first attempts.

    Optuna's GridSampler shuffles, repeats points across processes and raises in tell() on the last point.
    """

    def __init__(self, points: Sequence[Mapping[str, Any]]) -> None:
        self._points = points

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        earlier = map(Attempt, study.get_trials(deepcopy=False)[: Attempt(trial).first_attempt])
        index = sum(not attempt.is_retry and not attempt.is_surplus for attempt in earlier)
        return self._points[index][param_name]
