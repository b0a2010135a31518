"""hydra.sweeper.baseline and hydra.sweeper.enqueue: the points that a search runs first, checked against its space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.distributions import CategoricalDistribution

from tunesmith.config.changes import ABSENT, show_value
from tunesmith.errors import UserError, list_names
from tunesmith.search.points.sources import KEY, NamedPoint, read_source
from tunesmith.search.space.dimension import Dimension, Params
from tunesmith.search.space.space import Space
from tunesmith.search.space.values import contains, own_value

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
            own, others = _read(point, space)
            points.append(own)
            foreign |= dict.fromkeys(others)
        if foreign:
            where = given[0].name if is_point else source
            remarks.append(f"{KEY}: left out of {where}, as they are not in this space: {list_names(foreign)}")
    distinct = [point for index, point in enumerate(points) if point not in points[:index]]
    return KnownPoints(tuple(distinct), tuple(remarks))


def _read(given: NamedPoint, space: Space) -> tuple[Params, list[str]]:
    """Return a point with its values as the space has them, and the keys that are not in the space, or inactive."""
    flat = _flat(given.values, space)
    names = {name: key for name in flat if (key := _own_key(name, space)) is not None}
    values = {key: flat[name] for name, key in names.items()}
    point: dict[str, Any] = {}
    inactive = []
    for key in dict.fromkeys(each.key for each in space.dimensions.values() if each.key in values):
        dimensions = [each for each in space.dimensions.values() if each.key == key]
        active = [each for each in dimensions if not each.is_ruled_out({**values, **point})]
        value = _filled(active, values[key])
        if value is not ABSENT and active:
            point[key] = _own_value(active, value, given.name)
        elif value is not ABSENT:
            inactive.append(key)
    return point, [name for name in flat if name not in names] + inactive


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
    by_plain = {each.plain_key: each.key for each in space.dimensions.values()}
    return by_plain.get(name.lstrip("+"), by_plain.get(name.removeprefix("params.").lstrip("+")))


def _filled(dimensions: Sequence[Dimension], value: Any) -> Any:
    """Return null for an empty cell if that is one of the key's choices."""
    return None if value is ABSENT and any(contains(each, None) for each in dimensions) else value


def _own_value(dimensions: Sequence[Dimension], given: Any, name: str) -> Any:
    """Return a value as the first of a key's dimensions that has it; a file of CSV has texts."""
    for dimension in dimensions:
        value = _from_text(dimension, given) if isinstance(given, str) else given
        if contains(dimension, value):
            return own_value(dimension, value)
    first = dimensions[0]
    raise UserError(f"{KEY}: {name} has {first.key}={show_value(given)}, which must be {first.describe()}")


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
