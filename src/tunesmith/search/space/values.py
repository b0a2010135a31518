"""Whether a value is one that a key varies over: values of earlier trials, of configs and of the space compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString
from hydra.errors import HydraException
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from tunesmith.config.changes import ROUNDING, is_same_value
from tunesmith.search.space.dimension import Dimension


def is_same_param(param: Any, value: Any) -> bool:
    """Whether a value that Optuna stores is a plain value; Optuna stores a list or a dict as Hydra writes it."""
    return is_same_value(param, value) or (isinstance(value, list | dict) and is_same_value(_parsed(param), value))


def position(dimension: Dimension, value: Any) -> int | None:
    """Return the position of a value among those of a finite dimension, None if the dimension does not have it."""
    match dimension.distribution:
        case CategoricalDistribution(choices=choices):
            return _position_of_choice(choices, value)
        case IntDistribution(low=low, step=step) | FloatDistribution(low=low, step=float(step)):
            return round(float(value - low) / step) if is_in_range(dimension.distribution, value) else None
    return None


def contains(dimension: Dimension, value: Any) -> bool:
    """Whether a key varies over a value."""
    if isinstance(dimension.distribution, CategoricalDistribution):
        return position(dimension, value) is not None
    return is_in_range(dimension.distribution, value)


def own_value(dimension: Dimension, value: Any) -> Any:
    """Return a value that a key varies over as its distribution has it, any other value as it is.

    A study or a file may hold 1.0 for the choice or the integer 1, and a float that rounding has put beyond an end.
    """
    if not contains(dimension, value):
        return value
    match dimension.distribution:
        case CategoricalDistribution(choices=choices):
            index = position(dimension, value)
            assert index is not None
            return choices[index]
        case IntDistribution():
            return int(value)
        case FloatDistribution(low=low, high=high):
            return float(min(max(value, low), high))
    raise AssertionError(dimension)


def is_in_range(numbers: BaseDistribution, value: Any) -> bool:
    """Whether a value lies in a range of numbers, and on one of its steps if it has any."""
    assert isinstance(numbers, FloatDistribution | IntDistribution)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if isinstance(numbers, IntDistribution):
        return numbers.low <= value <= numbers.high and (value - numbers.low) % numbers.step == 0
    slack = ROUNDING * max(abs(numbers.low), abs(numbers.high))
    if not numbers.low - slack <= value <= numbers.high + slack:
        return False
    steps = 0.0 if numbers.step is None else (value - numbers.low) / numbers.step
    return math.isclose(steps, round(steps), abs_tol=1e-6)


def _position_of_choice(choices: Sequence[Any], value: Any) -> int | None:
    """Return the position of the very value if it is there: choices may differ by less than the rounding of a sum."""
    exact = (index for index, choice in enumerate(choices) if type(choice) is type(value) and choice == value)
    alike = (index for index, choice in enumerate(choices) if is_same_param(choice, value))
    return next(exact, next(alike, None))


def _parsed(text: Any) -> Any:
    """Return the list or dict that a text of Hydra's grammar stands for; any other value as it is."""
    if not isinstance(text, str) or not text.startswith(("[", "{")):
        return text
    try:
        return _plain(OverridesParser.create().parse_override(f"key={text}").value())
    except (HydraException, RecursionError):  # a study may hold brackets without end
        return text


def _plain(element: Any) -> Any:
    if isinstance(element, QuotedString):
        return element.text
    if isinstance(element, list):
        return [_plain(each) for each in element]
    if isinstance(element, dict):
        return {_plain(key): _plain(value) for key, value in element.items()}
    return element
