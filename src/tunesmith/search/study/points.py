"""The points that a stage runs once each: those that it lists, and those of an enumerated space."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from tunesmith.config.changes import ABSENT
from tunesmith.search.attribute_names import POINT
from tunesmith.search.space.dimension import Params
from tunesmith.search.space.space import Point
from tunesmith.search.space.values import is_same_param
from tunesmith.search.study.members import Members
from tunesmith.search.study.scope import Scope
from tunesmith.search.study.trial import Attempt


class Points:
    """Knows which point a trial runs. A listed point that is one of the enumerated space is that point.

    The attempt of a listed point is made with its values, so that the point is held from the first moment on. A listed
    point that is none of an enumerated space has a place below zero: (-1,), (-2,) ...

    are_once: whether further trials at a point count for nothing.
    """

    def __init__(self, scope: Scope, members: Members) -> None:
        self.are_once = scope.is_enumerated or scope.only_points
        self.only_listed = scope.only_points
        self._is_enumerated = scope.is_enumerated
        self._num_points = scope.space.num_points()
        self._varied = {each.plain_key for each in scope.space.dimensions.values()}
        self._members = members
        filled = [members.filled(point) for point in scope.points]
        self._keys = {key.lstrip("+") for point in filled for key in point} | self._varied
        self._listed: dict[Point, Params] = {}
        for index, values in enumerate(filled):
            if not any(self._are_same(values, other) for other in self._listed.values()):
                is_of_space = scope.is_enumerated and _plain(values).keys() <= self._varied
                place = members.place(values) if is_of_space else None
                self._listed[(-1 - index,) if place is None else place] = values

    def __bool__(self) -> bool:
        """Whether there are points to look after."""
        return self._is_enumerated or bool(self._listed)

    def most_trials(self, n_trials: int) -> int:
        """Return how many trials a stage has that may have n_trials: no more than points."""
        if self.only_listed:
            return min(n_trials, len(self._listed))
        if not self._is_enumerated or self._num_points is None:
            return n_trials
        return min(n_trials, self._num_points + sum(_is_extra(place) for place in self._listed))

    def of(self, trial: FrozenTrial) -> Point | None:
        """Return the point that a trial runs, None if it runs none, or has not drawn it yet."""
        place = self.listed(trial)
        return self._members.point(trial) if place is None and self._is_enumerated else place

    def listed(self, trial: FrozenTrial) -> Point | None:
        """Return the listed point that a trial was made with or has drawn, None if there is none."""
        if not self._listed:
            return None
        given = trial.system_attrs.get(POINT)
        drawn = {key.lstrip("+"): value for key, value in Attempt(trial).params.items()}
        is_drawn = trial.state in (TrialState.COMPLETE, TrialState.PRUNED) or self._varied <= drawn.keys()
        if not isinstance(given, Mapping) and not is_drawn:
            return None
        values = {**(given if isinstance(given, Mapping) else {}), **drawn}
        return next((place for place, point in self._listed.items() if self._are_same(point, values)), None)

    def values(self, trial: FrozenTrial) -> Params | None:
        """Return the values of the listed point that a trial was made with, None if there is none."""
        place = self.listed(trial) if POINT in trial.system_attrs else None
        return None if place is None else self._listed[place]

    def first_missing(self, held: Collection[Point]) -> Params | None:
        """Return the first listed point that is not held."""
        return next((values for place, values in self._listed.items() if place not in held), None)

    def _are_same(self, one: Params, other: Params) -> bool:
        one, other = _plain(one), _plain(other)
        return all(_is_same(one.get(key, ABSENT), other.get(key, ABSENT)) for key in self._keys)


def _is_extra(place: Point) -> bool:
    return bool(place) and place[0] is not None and place[0] < 0


def _plain(values: Params) -> dict[str, Any]:
    return {key.lstrip("+"): value for key, value in values.items()}


def _is_same(one: Any, other: Any) -> bool:
    return one is other if ABSENT in (one, other) else is_same_param(one, other)
