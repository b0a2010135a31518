"""The best trials so far: what later stages start from."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from optuna.trial import FrozenTrial

from tunesmith.config.changes import ABSENT
from tunesmith.search.space.dimension import Dimension, Params
from tunesmith.search.space.space import Space
from tunesmith.search.space.values import contains, own_value
from tunesmith.search.study.front import violations
from tunesmith.search.study.trial import Attempt, State


def best_points(
    trials: Iterable[FrozenTrial], stages: Collection[str], space: Space, is_maximized: bool
) -> list[Params]:
    """Return the values of the complete trials of these stages, each configuration once, the best first.

    The first of equals comes first. A study is data: values become overrides of later trials, so that a trial with a
    value that the space of this command does not have is left out.
    """
    found = [trial for trial in trials if Attempt(trial).stage in stages and is_ranked(trial)]
    found.sort(key=lambda trial: (-trial.values[0] if is_maximized else trial.values[0], trial.number))
    points = [Attempt(trial).params for trial in found]
    inside = [own_point(space, point) for point in points if point.keys() == own_point(space, point).keys()]
    return list({tuple(point.items()): point for point in inside}.values())


def is_ranked(trial: FrozenTrial) -> bool:
    """Whether a trial has run to its end with a number, and broken no constraint."""
    return Attempt(trial).state == State.COMPLETE and not math.isnan(trial.values[0]) and not violations(trial)


def own_point(space: Space, params: Params) -> Params:
    """Return the values that a space has, in its order and as its distributions have them."""
    return {
        dimension.key: own_value(dimension, params[dimension.key])
        for dimension in space.dimensions.values()
        if has_value(dimension, params)
    }


def has_value(dimension: Dimension, params: Params) -> bool:
    """Whether a configuration has a value of a dimension, which its other values do not make inactive."""
    value = params.get(dimension.key, ABSENT)
    return value is not ABSENT and not dimension.is_ruled_out(params) and contains(dimension, value)
