"""One sweep of Hydra's grammar as a dimension."""

from __future__ import annotations

import random
from typing import Any

from hydra.core.override_parser.types import (
    ChoiceSweep,
    IntervalSweep,
    Override,
    RangeSweep,
)
from optuna.distributions import CategoricalDistribution

from tunesmith.config.quoting import to_optuna, written
from tunesmith.errors import UserError
from tunesmith.search.space.dimension import Dimension
from tunesmith.search.space.groups import Groups, elements_of
from tunesmith.search.space.ranges import interval, number_range


def to_dimension(override: Override, groups: Groups) -> Dimension:
    """Return what an override lets its key vary over; a fixed value is the one choice of its key.

    Raises:
        UserError: a sweep that cannot be drawn from; names its key.
    """
    key = override.get_key_element()
    try:
        return _to_dimension(key, override, groups)
    except ValueError as error:
        message = str(error).strip(".").replace("`", "")
        raise UserError(
            f"{key} must be a sweep that can be drawn from; got '{override.input_line}': {message}"
        ) from None


def _to_dimension(key: str, override: Override, groups: Groups) -> Dimension:
    sweep = override.value()
    if not override.is_sweep_override():
        text = (override.input_line or "").partition("=")[2]
        value = to_optuna(sweep)
        return Dimension(key, CategoricalDistribution((value,)), {value: text})
    if isinstance(sweep, ChoiceSweep | IntervalSweep | RangeSweep):
        _check_tags(sweep, override.input_line or "")
    if isinstance(sweep, IntervalSweep):
        return Dimension(key, interval(sweep))
    if isinstance(sweep, RangeSweep) and not sweep.shuffle:
        return Dimension(key, number_range(sweep))
    elements = _elements(override)
    if not elements:
        raise ValueError("there is nothing to choose from")
    texts: dict[Any, str] = {}
    for element in elements_of(elements, groups, override):
        text = written(element)
        if texts.setdefault(to_optuna(element), text) != text:
            raise ValueError(f"{texts[to_optuna(element)]} and {text} are the same value to Optuna")
    return Dimension(key, CategoricalDistribution(tuple(texts)), texts)


def _check_tags(sweep: ChoiceSweep | IntervalSweep | RangeSweep, text: str) -> None:
    """Raise ValueError for a tag that would be ignored: tag(lgo, ...) would search on a linear scale."""
    if not sweep.tags and text.partition("=")[2].lstrip().startswith("tag("):
        raise ValueError("a tag has a name: write tag(log, ...) for a logarithmic scale, or leave tag(...) out")
    if isinstance(sweep, ChoiceSweep) and sweep.tags:
        raise ValueError("choices have no scale: leave tag(...) out")
    for tag in sorted(sweep.tags - {"log"}):
        raise ValueError(f"there is no tag {tag}: write tag(log, ...) for a logarithmic scale, or leave tag(...) out")


def _elements(override: Override) -> list[Any]:
    """Return the choices; shuffled ones in an order that is the same each time, or a study could not go on."""
    sweep = override.value()
    is_shuffled = isinstance(sweep, ChoiceSweep | RangeSweep) and sweep.shuffle
    if isinstance(sweep, RangeSweep):
        elements = list(Dimension(override.key_or_group, number_range(sweep)).values() or ())
    else:
        if isinstance(sweep, ChoiceSweep):
            sweep.shuffle = False
        elements = list(override.sweep_iterator())
    if is_shuffled:
        random.Random(0).shuffle(elements)
    return elements
