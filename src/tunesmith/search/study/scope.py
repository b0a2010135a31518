"""What one stage of a sweep looks at in a study: which keys its trials vary, hold, and run as given points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from tunesmith.search.space.space import Dimension, Params, Space


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
        """What the keys that trials record vary over at their widest: those that vary, are held, or are in a point."""
        keys = dict.fromkeys([*self.space.dimensions, *self.held, *(key for point in self.points for key in point)])
        return {key: self.whole[key] if key in self.whole else self.space.dimensions[key] for key in keys}

    @cached_property
    def full_space(self) -> Space:
        """The space with all keys that trials record, which overrides are made of."""
        return replace(self.space, dimensions={**self.space.dimensions, **self.recorded})

    @cached_property
    def bounds(self) -> Mapping[str, Dimension]:
        """What the keys of a trial that is drawn may be: the ranges of those that vary, the values of those held."""
        held = {key: only(self.recorded[key], value) for key, value in self.held.items()}
        return {**held, **self.space.dimensions}


def only(dimension: Dimension, value: Any) -> Dimension:
    """Return a dimension that has one value."""
    match dimension.distribution:
        case FloatDistribution():
            return replace(dimension, distribution=FloatDistribution(value, value))
        case IntDistribution():
            return replace(dimension, distribution=IntDistribution(value, value))
    return replace(dimension, distribution=CategoricalDistribution((value,)))
