"""Values of a key on its own scale: a part of its range, the neighbours of a value, levels of a grid.

A key moves by factors on a log scale, by differences on a linear one, and along its list if it is a choice. Its range
is as long as high / low, high - low, or the number of choices less one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from tunesmith.search.space.dimension import Dimension
from tunesmith.search.space.ranges import nth_step
from tunesmith.search.space.values import position

Numbers = FloatDistribution | IntDistribution
DOWN: Literal[-1] = -1
UP: Literal[1] = 1
Direction = Literal[-1, 1]


def narrow(dimension: Dimension, best: Any, part: float) -> Dimension:
    """Return a part of a key's range around a value of it, clipped to the range; it holds the value and a neighbour.

    part: in (0, 1), of the range; half of it lies on each side. Example: .5 of 1e-4 to 1e-2 around 1e-3 on a log scale
    is 3.2e-4 to 3.2e-3; around 1e-4 it is 1e-4 to 3.2e-4.
    """
    step = step_of(dimension, part / 2)
    low, high = (move(dimension, best, step, direction) for direction in (DOWN, UP))
    distribution = dimension.distribution
    if isinstance(distribution, CategoricalDistribution):
        first, last = (distribution.choices.index(end) for end in (low, high))
        kept = distribution.choices[first : last + 1]
        texts = {choice: dimension.texts[choice] for choice in kept if choice in dimension.texts}
        return replace(dimension, distribution=CategoricalDistribution(kept), texts=texts)
    if isinstance(distribution, IntDistribution):
        return replace(dimension, distribution=IntDistribution(low, high, distribution.log, distribution.step))
    assert isinstance(distribution, FloatDistribution)
    return replace(dimension, distribution=FloatDistribution(low, high, distribution.log, distribution.step))


def neighbours(dimension: Dimension, best: Any, step: float) -> list[Any]:
    """Return the values one step below and above a value, clipped to the range; those that are the value are left out.

    step: a factor on a log scale, a difference on a linear one, a number of places in a list of choices.
    """
    near = (move(dimension, best, step, direction) for direction in (DOWN, UP))
    return [value for value in dict.fromkeys(near) if value != best]


def levels(dimension: Dimension, count: int) -> list[Any]:
    """Return values that stand evenly on a key's scale, both ends included; one level is the middle."""
    parts = [index / (count - 1) for index in range(count)] if count > 1 else [0.5]
    return list(dict.fromkeys(_at(dimension, part) for part in parts))


def step_of(dimension: Dimension, part: float) -> float:
    """Return the step that is this part of a key's range."""
    if isinstance(dimension.distribution, CategoricalDistribution):
        return part * (len(dimension.distribution.choices) - 1)
    numbers = dimension.distribution
    assert isinstance(numbers, FloatDistribution | IntDistribution)
    return float((numbers.high / numbers.low) ** part if numbers.log else part * (numbers.high - numbers.low))


def move(dimension: Dimension, value: Any, step: float, direction: Direction) -> Any:
    """Return the value that is a step away, clipped to the range; of integers, steps and choices at least the next."""
    match dimension.distribution:
        case CategoricalDistribution(choices=choices):
            index = position(dimension, value)
            assert index is not None
            return choices[_clip(index + direction * max(1, round(step)), 0, len(choices) - 1)]
        case IntDistribution() | FloatDistribution(step=float()) as numbers:
            moved = value * step**direction if numbers.log else value + direction * step
            places = max(1, round(abs(moved - value) / (numbers.step or 1)))
            return _place(numbers, round((value - numbers.low) / (numbers.step or 1)) + direction * places)
        case FloatDistribution(low=low, high=high, log=log):
            return float(_clip(value * step**direction if log else value + direction * step, low, high))
    raise AssertionError(dimension)


def is_log(dimension: Dimension) -> bool:
    return getattr(dimension.distribution, "log", False)


def _at(dimension: Dimension, part: float) -> Any:
    """Return the value that stands at a part of the range, from its lower end."""
    match dimension.distribution:
        case CategoricalDistribution(choices=choices):
            return choices[round(part * (len(choices) - 1))]
        case IntDistribution(low=low, high=high, log=True):
            return int(_clip(round(low * (high / low) ** part), low, high))
        case IntDistribution(step=int(step)) | FloatDistribution(step=float(step)) as numbers:
            return _place(numbers, round(part * (numbers.high - numbers.low) / step))
        case FloatDistribution(low=low, high=high, log=log):
            value = low * (high / low) ** part if log else low + part * (high - low)
            return float(_clip(value, low, high))
    raise AssertionError(dimension)


def _place(numbers: Numbers, index: int) -> Any:
    """Return the value at a place of numbers with steps, the nearest one if there is no such place."""
    step = numbers.step or 1
    index = _clip(index, 0, round((numbers.high - numbers.low) / step))
    return numbers.low + index * step if isinstance(numbers, IntDistribution) else nth_step(numbers.low, step, index)


def _clip(value: Any, low: Any, high: Any) -> Any:
    return min(max(value, low), high)
