"""Override strings <-> distributions: which hyperparameters vary, and over what. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig

from tunesmith.config.quoting import to_hydra
from tunesmith.search.space.conditions import check_conditions, decide, in_order_of_conditions, name_variants
from tunesmith.search.space.dimension import Dimension, Params
from tunesmith.search.space.entries import Entry, parse_override, read_entries
from tunesmith.search.space.groups import Groups
from tunesmith.search.space.precedence import drop_overridden
from tunesmith.search.space.sweeps import to_dimension

# A sweep over this key repeats one configuration: the seed is no hyperparameter, as its values have no order to learn.
REPEATS = "seed"

# The positions of a configuration's values in the dimensions of a finite space, None for a key that is inactive.
Point = tuple[int | None, ...]


@dataclass(frozen=True)
class Space:
    """What a study varies, and the overrides that every trial has.

    dimensions: Optuna's name of a param -> what its key varies over; a key stands behind those of its conditions.
    is_open: whether a function of the user suggests further parameters; such a space cannot be counted.
    places: name -> how many of the fixed overrides stand before its key; 0 for one that is left out.
    remarks: what a dry run says of keys that never vary, because of values that are fixed.
    """

    dimensions: Mapping[str, Dimension]
    fixed: tuple[str, ...]
    is_open: bool = False
    places: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def is_conditional(self) -> bool:
        """Whether a key varies in some trials only."""
        return any(dimension.when for dimension in self.dimensions.values())

    @property
    def switches(self) -> set[str]:
        """The keys, without + in front, whose values decide which others vary."""
        return {key for dimension in self.dimensions.values() for key in dimension.when}

    def active(self, params: Params) -> list[Dimension]:
        """Return what varies in a trial with these values, in the order in which it is drawn.

        params: override key -> value; a value of a key that is inactive decides nothing.
        """
        found: list[Dimension] = []
        values: dict[str, Any] = {}
        for dimension in self.dimensions.values():
            if dimension.is_active(values):
                found.append(dimension)
                if dimension.key in params:
                    values[dimension.key] = params[dimension.key]
        return found

    def overrides(self, params: Params) -> list[str]:
        """Return the overrides of a trial's values, including those that custom_search_space suggested."""
        found = self._settable(params)
        return [_override(found.get(key), key, value) for key, value in params.items() if found.get(key, key)]

    def job_overrides(self, params: Params) -> list[str]:
        """Return all overrides of a trial, in the order in which they were written; suggested values come last."""
        found, end = self._settable(params), len(self.fixed)
        places = {}
        for key in params:
            dimension = found.get(key)
            if dimension is not None:
                places[key] = self.places.get(dimension.name, 0)
            elif key not in found:
                places[key] = end
        ordered: list[str] = []
        for index in range(end + 1):
            ordered += [_override(found.get(key), key, params[key]) for key, place in places.items() if place == index]
            ordered += self.fixed[index : index + 1]
        return ordered

    def _settable(self, params: Params) -> dict[str, Dimension | None]:
        """Return the dimension of each key of the space; None: the key is inactive, and its value is not set."""
        found: dict[str, Dimension | None] = {}
        for dimension in self.dimensions.values():
            values = {key: value for key, value in params.items() if found.get(key, key) is not None}
            if found.get(dimension.key) is None:
                found[dimension.key] = None if dimension.is_ruled_out(values) else dimension
        return found

    def num_points(self) -> int | None:
        """Count the configurations, None if there are infinitely many."""
        values = [dimension.values() for dimension in self.dimensions.values()]
        if self.is_open or None in values:
            return None
        switches = self.switches
        return sum(
            math.prod(len(each.values() or ()) for each in self.active(params) if each.plain_key not in switches)
            for params in self.combinations(switches)
        )

    def combinations(self, keys: Collection[str]) -> Iterator[Params]:
        """Yield the values that keys (without +) of finite dimensions have together; an inactive key has none."""
        yield from _extend({}, [each for each in self.dimensions.values() if each.plain_key in keys])

    def points(self) -> Iterator[Point]:
        """Yield the points of a finite space, the last key varying fastest."""
        dimensions = list(self.dimensions.values())
        if not self.is_conditional:
            return itertools.product(*(range(len(each.values() or ())) for each in dimensions))
        return _extend_point((), {}, dimensions)

    def params_of(self, point: Point) -> dict[str, Any]:
        """Return the values of a point of a finite space: override key -> value."""
        pairs = zip(self.dimensions.values(), point, strict=True)
        return {each.key: (each.values() or ())[index] for each, index in pairs if index is not None}


def _override(dimension: Dimension | None, key: str, value: Any) -> str:
    return f"{key}={to_hydra(value)}" if dimension is None else dimension.override(value)


def _extend(params: Params, dimensions: Sequence[Dimension]) -> Iterator[Params]:
    """Yield values with those of further dimensions added."""
    if not dimensions:
        yield params
        return
    first, *rest = dimensions
    if not first.is_active(params):
        yield from _extend(params, rest)
        return
    for value in first.values() or ():
        yield from _extend({**params, first.key: value}, rest)


def _extend_point(point: Point, params: Params, dimensions: Sequence[Dimension]) -> Iterator[Point]:
    """Yield a point with the positions in further dimensions added; params: the point's values."""
    if not dimensions:
        yield point
        return
    first, *rest = dimensions
    if not first.is_active(params):
        yield from _extend_point((*point, None), params, rest)
        return
    for index, value in enumerate(first.values() or ()):
        yield from _extend_point((*point, index), {**params, first.key: value}, rest)


def parse_space(
    params: Mapping[str, Any],
    typed: Sequence[str],
    loader: ConfigLoader | None = None,
    config: DictConfig | None = None,
) -> Space:
    """Combine the config's params with the overrides of the command line, typed.

    A typed sweep adds its key to the space, or replaces the range that the config has for the key. A typed fixed value
    takes its key out of the space. A typed sweep over the seed ignores the config's sweeps: it repeats one
    configuration, and `-m seed=0,1,2` would otherwise be a search with three seeds.

    config: the composed one, whose values decide conditions on keys that do not vary.

    Raises:
        UserError: a sweep that cannot be parsed or drawn from, or a condition that cannot hold; names its key.
    """
    groups = Groups(loader)
    entries = entries_that_count(params, typed, loader)
    decided, remarks = decide(entries, config, groups)
    return to_space(decided, groups, tuple(remarks.values()))


def entries_that_count(params: Mapping[str, Any], typed: Sequence[str], loader: ConfigLoader | None) -> list[Entry]:
    """Return the entries of params, then those of the command line, without what a later one replaces."""
    parser, groups = OverridesParser.create(config_loader=loader), Groups(loader)
    typed_entries = [Entry(parse_override(parser, text)) for text in typed]
    configured = read_entries(params, parser)
    if any(each.is_sweep and each.key == REPEATS for each in typed_entries):
        configured = [each for each in configured if not each.is_sweep]
    return drop_overridden(configured, typed_entries, groups)


def to_space(entries: Sequence[Entry], groups: Groups, remarks: Sequence[str] = ()) -> Space:
    """Return the space of entries whose conditions name keys of the space alone.

    Raises:
        UserError: a sweep that cannot be drawn from, or conditions that cannot hold.
    """
    swept = [replace(to_dimension(each.override, groups), when=each.when) for each in entries if each.is_sweep]
    named = name_variants(check_conditions(swept, groups))
    places: dict[str, int] = {}
    fixed: list[str] = []
    names = iter(named)
    for entry in entries:
        if entry.is_sweep:
            places[next(names).name] = len(fixed)
        else:
            fixed.append(entry.text)
    dimensions = {each.name: each for each in in_order_of_conditions(named)}
    return Space(dimensions, tuple(fixed), places=places, remarks=tuple(remarks))
