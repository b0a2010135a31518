"""The points of a stage: what its keys grid, neighbours, one_at_a_time, top and baseline stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tunesmith.search.space.dimension import Params
from tunesmith.search.stage_settings import BEST, Levels, StageSettings
from tunesmith.search.stages.best import has_value
from tunesmith.search.stages.key_scale import narrow
from tunesmith.search.stages.point_lists import grid_points, one_at_a_time, points_around
from tunesmith.search.stages.varied import Dimensions, level_values, near_values, settle, to_named, to_params


@dataclass(frozen=True)
class StagePoints:
    """Makes the points of one stage.

    ranked: the configurations to build on, the best first. varied: what the stage varies. whole: the dimensions of the
    space. value_of: the value of a key as it stands in the stage's config.
    """

    own: StageSettings
    ranked: Sequence[Params]
    varied: Dimensions
    whole: Dimensions
    value_of: Callable[[str], Any]
    seed: int

    @cached_property
    def narrowed(self) -> Dimensions:
        """What the stage varies, narrowed around the best; a range that does not hold the best's value stays whole."""
        part = self.own.narrow
        if part is None or not self.ranked:
            return self.varied
        start = self._start()
        return {
            name: narrow(each, start[each.key], part) if has_value(each, start) else each
            for name, each in self.varied.items()
        }

    def make(self, wanted: int) -> Iterator[Params]:
        """Yield the points in their order, none if the stage has none of its own; wanted: how many may be used."""
        match self.own:
            case StageSettings(top=int(top)):
                for point in self.ranked[:top]:
                    yield to_params(to_named(point, self.varied), self.varied)
            case StageSettings(baseline=True):
                yield {}
            case StageSettings(grid=given) if given is not None:
                values = level_values(given, self.narrowed, self.whole)
                yield from _to_params(grid_points(values, wanted, self.seed), self.varied)
            case StageSettings(one_at_a_time=given) if given is not None:
                yield from self._one_at_a_time(given)
            case StageSettings(neighbours=given) if given is not None:
                centre = to_named(self._start(), self.varied)
                yield from _to_params(points_around(centre, near_values(given, centre, self.varied)), self.varied)

    def _one_at_a_time(self, given: Levels) -> Iterator[Params]:
        """Yield the base and the points beside it; a key that is inactive in the base is left alone."""
        base = self.ranked[0] if self.ranked and self.own.others == BEST else {}
        plain = {key.lstrip("+"): value for key, value in base.items()}
        active = settle(self.narrowed, lambda key: plain[key] if key in plain else self.value_of(key), switches=())
        values = level_values(given, active, self.whole)
        yield from _to_params(one_at_a_time(to_named(base, active), values), active)

    def _start(self) -> Params:
        """Return the best configuration; a key without a value in it has the config's."""
        best = self.ranked[0] if self.ranked else {}
        missing = [each.key for each in self.varied.values() if each.key not in best]
        return {**{key: self.value_of(key) for key in missing}, **best}


def _to_params(points: Iterable[Params], varied: Dimensions) -> Iterator[Params]:
    return (to_params(point, varied) for point in points)
