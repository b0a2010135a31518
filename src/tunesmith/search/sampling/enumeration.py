"""A small space, each point of it once."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from tunesmith.search.attribute_names import VERSION
from tunesmith.search.space.dimension import Dimension
from tunesmith.search.space.space import Point, Space
from tunesmith.search.study.members import Members
from tunesmith.search.study.study_of_space import StudyOfSpace
from tunesmith.search.study.trial import Attempt


class Enumeration(BaseSampler):
    """Gives each trial a point of a finite space that no other trial has, whatever drew the others.

    A trial that is begun leaves a missing point free for each earlier one that has drawn none yet. Optuna's
    GridSampler shuffles, repeats points across processes and raises in tell() on the last point.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._members = Members(space)
        self._chosen: dict[int, Mapping[str, Any]] = {}

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        if trial.number not in self._chosen:
            self._chosen[trial.number] = self._choose(getattr(study, "_study", study), trial)  # not Hyperband's part
        key = param_name.partition(VERSION)[0]
        if key not in self._chosen[trial.number]:  # no point is left for what a retry holds: it is withdrawn
            return Dimension(key, param_distribution).extremes()[0]
        return self._chosen[trial.number][key]

    def _choose(self, study: Study, trial: FrozenTrial) -> Mapping[str, Any]:
        """Return a missing point; if none is left, the first point, and the attempt is withdrawn."""
        assert isinstance(study, StudyOfSpace)
        first_attempt = Attempt(trial).first_attempt
        taken, undrawn = study.points_held(apart_from=first_attempt)
        num_before = sum(attempt.first_attempt < first_attempt for attempt in undrawn)
        free = list(itertools.islice(self._missing(taken, trial), num_before + 1))
        return self._space.params_of(free[-1] if free else next(self._space.points()))

    def _missing(self, taken: Collection[Point], trial: FrozenTrial) -> Iterator[Point]:
        """Yield the points that no trial has, the last key varying fastest, and that go with what a trial has drawn."""
        drawn = self._members.positions(trial)
        for point in self._space.points():
            if point not in taken and all(
                want is None or want == index for want, index in zip(drawn, point, strict=True)
            ):
                yield point
