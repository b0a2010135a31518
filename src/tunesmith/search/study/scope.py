"""What one stage of a sweep looks at in a study: which keys its trials vary, hold, and run as given points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from tunesmith.search.space.dimension import Dimension, Params
from tunesmith.search.space.space import Space
from tunesmith.search.space.values import contains


@dataclass(frozen=True)
class Scope:
    """A part of a study; the fields are those of a Stage. A sweep without stages has a space alone.

    is_enumerated: whether each point of the space is run once.
    """

    space: Space
    stage: str | None = None
    whole: Mapping[str, Dimension] = field(default_factory=dict)
    held: Params = field(default_factory=dict)
    points: tuple[Params, ...] = ()
    only_points: bool = False
    is_enumerated: bool = False

    @cached_property
    def recorded(self) -> Mapping[str, Dimension]:
        """What trials record, by name, at its widest: first what varies, then what is held or in a point alone."""
        varied = {
            name: replace(self.whole.get(name, each), when=each.when) for name, each in self.space.dimensions.items()
        }
        held = {each.name: each for each in self._held.values() if each.name not in varied}
        keys = {each.key for each in (*varied.values(), *held.values())}
        of_points = {key for point in self.points for key in point} - keys
        others = {name: each for name, each in self.whole.items() if each.key in of_points}
        switches = {each.plain_key for each in (*varied.values(), *held.values(), *others.values())}
        return {**varied, **held, **{name: _with_switches(each, switches) for name, each in others.items()}}

    @cached_property
    def full_space(self) -> Space:
        """The space with all keys that trials record, which overrides are made of."""
        return replace(self.space, dimensions=self.recorded)

    @cached_property
    def bounds(self) -> Mapping[str, Dimension]:
        """What the keys of a drawn trial may be, by name: first those that vary, then the values of those held."""
        varied = self.space.dimensions
        held = {each.name: _only(each, self.held[key]) for key, each in self._held.items() if each.name not in varied}
        return {**varied, **held}

    @cached_property
    def _held(self) -> dict[str, Dimension]:
        """The dimension of each held key, of several the one that has its value; it is held in every trial."""
        found: dict[str, Dimension] = {}
        for key, value in self.held.items():
            own = [each for each in self.whole.values() if each.key == key and not each.is_ruled_out(self.held)]
            fitting = [each for each in own if contains(each, value)] or own
            if fitting:
                found[key] = replace(fitting[0], when={})
        return found


def _with_switches(dimension: Dimension, switches: set[str]) -> Dimension:
    """Return a dimension with those of its conditions that trials record."""
    return replace(dimension, when={key: values for key, values in dimension.when.items() if key in switches})


def _only(dimension: Dimension, value: Any) -> Dimension:
    """Return a dimension that has one value."""
    match dimension.distribution:
        case FloatDistribution():
            return replace(dimension, distribution=FloatDistribution(value, value))
        case IntDistribution():
            return replace(dimension, distribution=IntDistribution(value, value))
    return replace(dimension, distribution=CategoricalDistribution((value,)))
