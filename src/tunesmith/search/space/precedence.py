"""Which of several overrides still count: Hydra applies them in order, so a later one can take an earlier one back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hydra.core.override_parser.types import ChoiceSweep, Override

from tunesmith.search.space.entries import Entry
from tunesmith.search.space.groups import Groups


def drop_overridden(configured: Sequence[Entry], typed: Sequence[Entry], groups: Groups) -> list[Entry]:
    """Return the entries that count, in the order in which Hydra applies them.

    A sweep is left out if a later override sets all that it sets, or deletes its key. A fixed value stays, since
    dicts of one node are merged, unless a sweep or what is typed replaces it whole. An entry with conditions replaces
    nothing.
    """
    entries = [*configured, *typed]
    kept = []
    for index, entry in enumerate(entries):
        is_configured = index < len(configured)
        later = [each for each in entries[index + 1 :] if not each.when]
        if is_configured:  # several sweeps of one entry: each has conditions of its own
            later = [each for each in later if each.entry_key != entry.entry_key]
        if not any(_replaces(each.override, entry.override, is_configured, groups) for each in later):
            kept.append(entry)
    return kept


def _replaces(later: Override, earlier: Override, is_configured: bool, groups: Groups) -> bool:
    if earlier.is_sweep_override():
        return _covers(later, earlier, groups)
    if earlier.is_delete() or later.is_delete() or _key(earlier) != _key(later):
        return False
    if _is_choice(earlier, groups) != _is_choice(later, groups):
        return False  # a dict is merged into what a group's file sets, wherever the choice stands
    is_whole = not any(isinstance(value, dict) for value in _values(later))
    return is_whole and (is_configured or later.is_sweep_override())


def _covers(later: Override, earlier: Override, groups: Groups) -> bool:
    """Whether nothing is left of what a sweep sets, whichever of its values is drawn."""
    if _is_choice(later, groups) or _is_choice(earlier, groups):
        return _is_choice(later, groups) and _is_choice(earlier, groups) and _key(later) == _key(earlier)
    paths = {path for value in _values(earlier) for path in _paths(_key(earlier), value)}
    return all(_sets(_key(later), value, path) for value in _values(later) for path in paths)


def _is_choice(override: Override, groups: Groups) -> bool:
    return groups.has(override.key_or_group) and not all(isinstance(value, dict) for value in _values(override))


def _key(override: Override) -> str:
    """Return the key without its prefix: a.b for a[b]."""
    return override.get_key_element().lstrip("+~").replace("[", ".").replace("]", "")


def _values(override: Override) -> list[Any]:
    """Return the values that an override may set; of numbers of a range one stands for all, as of a deletion."""
    value = override.value()
    return list(value.list) if isinstance(value, ChoiceSweep) else [None if override.is_delete() else value]


def _paths(key: str, value: Any) -> Iterator[str]:
    """Yield the dotted keys of the leaves that a value sets."""
    if not isinstance(value, dict) or not value:
        yield key
        return
    for name, item in value.items():
        yield from _paths(f"{key}.{name}", item)


def _sets(key: str, value: Any, path: str) -> bool:
    """Whether setting a key to a value replaces what stands at a path; a dict is merged into what is there."""
    if path == key:
        return True
    if not path.startswith(f"{key}."):
        return False
    if not isinstance(value, dict):
        return True
    return any(_sets(f"{key}.{name}", item, path) for name, item in value.items())
