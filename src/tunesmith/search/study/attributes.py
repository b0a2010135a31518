"""Typed reads of a study's attributes, as whoever may write to its storage may write anything.

A value of another type is as if it were not there, so that one odd record costs one record.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, get_type_hints

from tunesmith.errors import printable
from tunesmith.search.study.owner import Owner

# The largest pid that a kernel gives; psutil raises errors of several kinds for others.
_MAX_PID = 2**31 - 1
# Fields without which nobody can ask for an owner's process, and those that say on which machine to ask.
_PROCESS, _MACHINE = ("pid", "started"), ("machine", "boot")


def read_number(attributes: Mapping[str, Any], name: str, end: int | None = None) -> int | None:
    """Return a whole number from 0, below an end if one is given; None for anything else."""
    value = attributes.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if value >= 0 and (end is None or value < end) else None


def read_text(attributes: Mapping[str, Any], name: str) -> str | None:
    """Return a text as a console may show it, in one line; a value of another type as Python writes it."""
    value = attributes.get(name)
    return None if value is None else printable(str(value))


def read_texts(attributes: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of texts as a console may show them."""
    value = attributes.get(name)
    return [printable(each) for each in value if isinstance(each, str)] if isinstance(value, list | tuple) else []


def read_name(attributes: Mapping[str, Any], name: str) -> str | None:
    """Return a text that code compares, exactly as it is."""
    value = attributes.get(name)
    return value if isinstance(value, str) else None


def read_owner(attributes: Mapping[str, Any], name: str) -> Owner | None:
    """Return an owner; one whose process cannot be asked for counts as one of another machine."""
    attribute = attributes.get(name)
    if not isinstance(attribute, Mapping):
        return None
    given = {field: attribute.get(field) for field, kind in _kinds().items() if isinstance(attribute.get(field), kind)}
    if any(given.get(field) is None for field in _PROCESS) or given["pid"] not in range(1, _MAX_PID + 1):
        given = {field: value for field, value in given.items() if field not in _MACHINE}
    return Owner.from_attribute(given)


@cache
def _kinds() -> dict[str, Any]:
    """Return the type of each field; JSON writes some floats as whole numbers."""
    kinds: dict[str, Any] = get_type_hints(Owner)
    return {field: kind | int if isinstance(0.0, kind) else kind for field, kind in kinds.items()}
