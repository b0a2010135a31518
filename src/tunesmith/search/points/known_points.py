"""hydra.sweeper.baseline and hydra.sweeper.enqueue: the points that a search runs first, checked against its space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from tunesmith.config.changes import ABSENT, show_value
from tunesmith.errors import UserError, list_names
from tunesmith.search.points.sources import KEY, NamedPoint, read_source
from tunesmith.search.space.ranges import nth_step
from tunesmith.search.space.space import Dimension, Params, Space
from tunesmith.search.space.values import contains, position

# The configuration as it stands: no key is set.
BASELINE: Params = {}


@dataclass(frozen=True)
class KnownPoints:
    """Points in the order in which they are run: override key -> value; a key left out keeps the config's value.

    remarks: which keys of which source were left out, a line each.
    """

    points: tuple[Params, ...] = ()
    remarks: tuple[str, ...] = ()


def read_known_points(
    space: Space, baseline: bool, enqueue: Any, studies: Path, is_enumerated: bool = False
) -> KnownPoints:
    """Return the points that run first: the configuration as it stands, then those of enqueue, each once.

    enqueue: a point (key -> value), a file or a study (see read_source), or a list of these; None: nothing.
    studies: the folder in which a study is looked for by its name.
    is_enumerated: whether each point of the space runs once and nothing else: then there is no baseline.

    Raises:
        UserError: a point lies outside of the space (names key, range and value), or a source is none.
    """
    points: list[Params] = [BASELINE] if baseline and not is_enumerated else []
    remarks: list[str] = []
    for index, source in enumerate(enqueue if isinstance(enqueue, list) else [] if enqueue is None else [enqueue]):
        is_point = isinstance(source, Mapping)
        given = [NamedPoint(f"point {index}", source)] if is_point else read_source(source, studies)
        foreign: dict[str, None] = {}
        for point in given:
            own, others = _split(point.values, space)
            points.append(_checked(own, point.name, space, is_enumerated))
            foreign |= dict.fromkeys(others)
        if foreign:
            where = given[0].name if is_point else source
            remarks.append(f"{KEY}: left out of {where}, as they are not in this space: {list_names(foreign)}")
    distinct = [point for index, point in enumerate(points) if point not in points[:index]]
    return KnownPoints(tuple(distinct), tuple(remarks))


def _split(values: Mapping[str, Any], space: Space) -> tuple[dict[str, Any], list[str]]:
    """Return what a point has for the keys of the space, and its other keys."""
    flat = _flat(values, space)
    keys = {name: _own_key(name, space) for name in flat}
    return {key: flat[name] for name, key in keys.items() if key is not None}, [name for name in keys if not keys[name]]


def _flat(values: Mapping[str, Any], space: Space, prefix: str = "") -> dict[str, Any]:
    """Return nested keys as dotted ones; a dict that is the value of a key in the space stays."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        key = f"{prefix}{name}"
        is_node = isinstance(value, Mapping) and _own_key(key, space) is None
        flat |= _flat(value, space, f"{key}.") if is_node else {key: value}
    return flat


def _own_key(name: str, space: Space) -> str | None:
    """Return the key of the space that a source means; trials.csv writes params.KEY if KEY is named like a column."""
    by_plain = {key.lstrip("+"): key for key in space.dimensions}
    return by_plain.get(name.lstrip("+"), by_plain.get(name.removeprefix("params.").lstrip("+")))


def _checked(point: Mapping[str, Any], name: str, space: Space, is_enumerated: bool) -> Params:
    """Return a point with its values as the space has them."""
    point = {key: _filled(space.dimensions[key], value) for key, value in point.items()}
    point = {key: value for key, value in point.items() if value is not ABSENT}
    missing = [key for key in space.dimensions if key not in point]
    if is_enumerated and missing:
        raise UserError(
            f"{KEY}: {name} must have all keys, as each point of the space runs once; it lacks {missing[0]}"
        )
    return {key: _own_value(space.dimensions[key], value, name) for key, value in point.items()}


def _filled(dimension: Dimension, value: Any) -> Any:
    """Return null for an empty cell if that is one of the key's choices."""
    return None if value is ABSENT and contains(dimension, None) else value


def _own_value(dimension: Dimension, given: Any, name: str) -> Any:
    """Return a value as a dimension has it; a file of CSV has texts."""
    value = _from_text(dimension, given) if isinstance(given, str) else given
    if not contains(dimension, value):
        raise UserError(f"{KEY}: {name} has {dimension.key}={show_value(given)}, which must be {dimension.describe()}")
    match dimension.distribution:
        case CategoricalDistribution(choices=choices):
            return choices[position(dimension, value) or 0]
        case IntDistribution():
            return int(value)
        case FloatDistribution(low=low, high=high, step=None):
            return min(max(float(value), low), high)
        case FloatDistribution(low=low, step=float(step)):
            return nth_step(low, step, position(dimension, value) or 0)
    raise AssertionError(dimension.distribution)


def _from_text(dimension: Dimension, text: str) -> Any:
    """Return the value that a text stands for; the text itself if it is none."""
    if isinstance(dimension.distribution, CategoricalDistribution):
        if contains(dimension, text):
            return text
        return next((choice for choice in dimension.distribution.choices if str(choice) == text), text)
    try:
        return float(text)
    except ValueError:
        return text
