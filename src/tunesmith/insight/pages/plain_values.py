"""Reads what files of runs and studies say, whose values may be of any type: what is of another type is not there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tunesmith.insight.pages.figures import number
from tunesmith.insight.pages.param_scale import to_text


def shown(value: object) -> str:
    """Return what a results file says, as a cell shows it."""
    if isinstance(value, float):
        return number(value)
    return "-" if value is None else to_text(value)


def to_number(value: object) -> float | None:
    """Return a number of a YAML file; None for anything else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def finite(cell: str | None) -> float | None:
    """Return the number of a cell of a CSV file; None for one that is no finite number."""
    try:
        value = float(cell or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def at(content: Mapping[str, Any], key: str) -> Any:
    """Return what a dotted key has in plain content, None if there is nothing."""
    found: Any = content
    for name in key.lstrip("+").split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def list_at(content: Mapping[str, Any], key: str) -> list[Any]:
    """Return the list that a dotted key has in plain content; an empty one for anything else."""
    found = at(content, key)
    return found if isinstance(found, list) else []


def dict_of(value: object) -> Mapping[str, Any]:
    """Return a dict; {} for anything else."""
    return value if isinstance(value, Mapping) else {}


def dicts_of(value: object) -> list[Mapping[str, Any]]:
    """Return the dicts of a list; none for anything else."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list | tuple) else []
