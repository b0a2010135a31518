"""What a stage varies, and how: its keys in the space, the levels of its grid, the steps to its neighbours."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from tunesmith.errors import UserError
from tunesmith.search.space.dimension import Dimension, Params
from tunesmith.search.space.space import Space
from tunesmith.search.space.values import contains, is_same_param, own_value
from tunesmith.search.stage_settings import REST, Levels, StageSettings
from tunesmith.search.stages.best import has_value
from tunesmith.search.stages.key_scale import is_log, levels, neighbours, step_of

Dimensions = Mapping[str, Dimension]
Values = Mapping[str, Sequence[Any]]


def varied_dimensions(stage: StageSettings, stages: Iterable[StageSettings], space: Space) -> Dimensions:
    """Return what a stage varies: the keys of the space that its patterns match, without those that it overrides.

    stages: all of the sweep. The word `rest` stands for the keys that no other stage matches.
    """
    others = [pattern for each in stages if each.index != stage.index for pattern in each.patterns or ()]
    patterns = stage.patterns

    def is_varied(key: str) -> bool:
        is_named = patterns is None or first_match(key, patterns) is not None
        is_left = patterns is not None and REST in patterns and first_match(key, others) is None
        return key not in stage.overridden and (is_named or is_left)

    return {name: each for name, each in space.dimensions.items() if is_varied(each.plain_key)}


def settle(varied: Dimensions, value_of: Callable[[str], Any], switches: Collection[str]) -> Dimensions:
    """Decide the conditions on keys that are no switches: a dimension loses those that it meets, or is left out.

    value_of: returns the value of a key, without +, in all trials.
    """
    kept: dict[str, Dimension] = {}
    for name, each in varied.items():
        still_varied = {other.plain_key for other in kept.values()}
        undecided = {key: values for key, values in each.when.items() if key in switches}
        decided = [key for key in each.when if key not in switches]
        if undecided.keys() <= still_varied and all(_is_one_of(value_of(key), each.when[key]) for key in decided):
            kept[name] = replace(each, when=undecided)
    return kept


def _is_one_of(value: Any, values: Iterable[Any]) -> bool:
    return any(is_same_param(each, value) for each in values)


def first_match(key: str, patterns: Iterable[str]) -> str | None:
    """Return the first pattern that matches a key, given without +; * stands for any characters."""
    return next((pattern for pattern in patterns if fnmatchcase(key, pattern.lstrip("+"))), None)


def level_values(given: Levels, varied: Dimensions, whole: Dimensions) -> Values:
    """Return the levels of each dimension by its name: so many that stand evenly in it, or those that are listed.

    whole: the dimensions of the space, which the listed ones lie in.
    """
    return {name: _levels(_of_key(given, each), each, whole[name]) for name, each in varied.items()}


def _levels(given: Any, dimension: Dimension, whole: Dimension) -> Sequence[Any]:
    if isinstance(given, int):
        return levels(dimension, given)
    return list(dict.fromkeys(own_value(whole, value) for value in given))


def near_values(given: float | Mapping[str, float], centre: Params, varied: Dimensions) -> Values:
    """Return the values beside those of a point, by names: given is a part of each range, or steps by key.

    centre: by names, too.
    """
    found = {}
    for name, value in centre.items():
        dimension = varied[name]
        step = _of_key(given, dimension) if isinstance(given, Mapping) else step_of(dimension, given)
        found[name] = neighbours(dimension, value, step)
    return found


def to_named(params: Params, varied: Dimensions) -> Params:
    """Return values by the names of their dimensions, of which a key may have several."""
    return {name: own_value(each, params[each.key]) for name, each in varied.items() if has_value(each, params)}


def to_params(named: Params, varied: Dimensions) -> Params:
    """Return a configuration of values by name, without those of keys that the others make inactive."""
    params: dict[str, Any] = {}
    for name, each in varied.items():
        if name in named and not each.is_ruled_out(params):
            params[each.key] = named[name]
    return params


def _of_key(given: Any, dimension: Dimension) -> Any:
    """Return what is given for a key: for all keys at once, by the first pattern that matches it, or for the rest."""
    if not isinstance(given, Mapping):
        return given
    return given[first_match(dimension.plain_key, given) or REST]


def most_points(stage: StageSettings, varied: Dimensions) -> float:
    """Return how many points a stage has at most: of finite keys that its sampler draws, or those that it lists."""
    match stage.kind:
        case "top":
            return stage.top or 1
        case "baseline":
            return 1
        case "grid":
            return math.prod(len(each) for each in level_values(stage.grid or 1, varied, varied).values())
        case "one_at_a_time":
            return 1 + sum(len(each) for each in level_values(stage.one_at_a_time or 1, varied, varied).values())
    lengths = [math.inf if (values := each.values()) is None else len(values) for each in varied.values()]
    return math.prod(min(length, 3) for length in lengths) if stage.kind == "neighbours" else math.prod(lengths)


def check_values(stage: StageSettings, varied: Dimensions) -> None:
    """Raise UserError for a level that its key does not vary over, and for a step that leads nowhere."""
    given = getattr(stage, stage.kind) if stage.kind else None
    if not isinstance(given, Mapping):
        return
    for dimension in varied.values():
        value = _of_key(given, dimension)
        key = f"{stage.key(stage.kind or '')}.{dimension.key}"
        outside = [each for each in value if not contains(dimension, each)] if isinstance(value, Sequence) else []
        if outside:
            raise UserError(
                f"{key} must be values that the key varies over ({dimension.describe_values()}); got {outside[0]}"
            )
        if stage.kind == "neighbours" and is_log(dimension) and value <= 1:
            raise UserError(f"{key} must be a factor > 1, since the key has a log scale; got {value}")
