"""Whether a value is one that a key varies over: values of earlier trials, of configs and of the space compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString
from hydra.errors import HydraException
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from tunesmith.search.space.space import Dimension

# Two floats as near as this are one value: 0.1 + 2 * 0.1 is 0.30000000000000004.
_RELATIVE_TOLERANCE = 1e-9


def is_same_value(first: Any, second: Any) -> bool:
    """Whether two plain values are one: 1 and 1.0 are, and 0.3 and 0.1 + 0.2, but not 1 and true, nor 1 and '1'."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, int | float) and isinstance(second, int | float):
        return first == second or math.isclose(first, second, rel_tol=_RELATIVE_TOLERANCE) or first != first != second
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(map(is_same_value, first, second))
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(is_same_value(first[key], second[key]) for key in first)
    return type(first) is type(second) and bool(first == second)


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


def is_in_range(numbers: BaseDistribution, value: Any) -> bool:
    """Whether a value lies in a range of numbers, and on one of its steps if it has any."""
    assert isinstance(numbers, FloatDistribution | IntDistribution)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    slack = _RELATIVE_TOLERANCE * max(abs(numbers.low), abs(numbers.high))
    if not numbers.low - slack <= value <= numbers.high + slack:
        return False
    if numbers.step is None or (isinstance(numbers, IntDistribution) and numbers.log):
        return isinstance(numbers, FloatDistribution) or float(value).is_integer()
    steps = (value - numbers.low) / numbers.step
    return math.isclose(steps, round(steps), abs_tol=1e-6)


def _position_of_choice(choices: Sequence[Any], value: Any) -> int | None:
    return next((index for index, choice in enumerate(choices) if is_same_param(choice, value)), None)


def _parsed(text: Any) -> Any:
    """Return the list or dict that a text of Hydra's grammar stands for; any other value as it is."""
    if not isinstance(text, str) or not text.startswith(("[", "{")):
        return text
    try:
        return _plain(OverridesParser.create().parse_override(f"key={text}").value())
    except HydraException:
        return text


def _plain(element: Any) -> Any:
    if isinstance(element, QuotedString):
        return element.text
    if isinstance(element, list):
        return [_plain(each) for each in element]
    if isinstance(element, dict):
        return {_plain(key): _plain(value) for key, value in element.items()}
    return element
