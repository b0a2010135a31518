"""The conditions of keys that vary in some trials only: what they name, and in which order the keys are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tunesmith.config.changes import ABSENT, is_same_value, show_value
from tunesmith.config.quoting import to_optuna
from tunesmith.errors import UserError, closest
from tunesmith.search.attribute_names import VERSION
from tunesmith.search.space.dimension import Dimension, describe_conditions
from tunesmith.search.space.entries import Entry
from tunesmith.search.space.groups import Groups
from tunesmith.search.space.values import position

Conditions = Mapping[str, tuple[Any, ...]]


def decide(entries: Sequence[Entry], config: DictConfig | None, groups: Groups) -> tuple[list[Entry], dict[str, str]]:
    """Decide the conditions on keys that do not vary: an entry that meets them loses them, another one is left out.

    What is conditional on a key that is left out is left out, too.

    config: the composed one; None: only entries with a fixed value are known.
    Returns: the entries, and for each key that is left out a line that says why.

    Raises:
        UserError: a condition names a key, or the file of a group, that is not there.
    """
    return _decide(entries, config, groups, remarks={})


def _decide(
    entries: Sequence[Entry], config: DictConfig | None, groups: Groups, remarks: dict[str, str]
) -> tuple[list[Entry], dict[str, str]]:
    swept = {entry.key for entry in entries if entry.is_sweep}
    values = {entry.key: to_optuna(entry.override.value()) for entry in entries if not entry.is_sweep}
    kept = []
    for entry in entries:
        decided = [other for other in entry.when if other not in swept]
        now = {
            each: ABSENT if each in remarks else values[each] if each in values else _value(each, config, entry, swept)
            for each in decided
        }
        if all(_holds(entry, other, now[other], groups) for other in decided):
            kept.append(replace(entry, when={each: entry.when[each] for each in entry.when if each in swept}))
        else:
            is_now = ", ".join(
                f"{other} is {'left out' if value is ABSENT else show_value(value)}" for other, value in now.items()
            )
            remark = f"left out: {entry.key}, which varies if {describe_conditions(entry.when)}; here {is_now}"
            remarks = {**remarks, entry.key: remark}
    remarks = {key: remarks[key] for key in remarks if all(entry.key != key for entry in kept)}
    if {entry.key for entry in kept if entry.is_sweep} == swept:
        return kept, remarks
    return _decide(kept, config, groups, remarks)


def _holds(entry: Entry, other: str, value: Any, groups: Groups) -> bool:
    wanted = _named(other, entry.when[other], groups)
    names = groups.names(other) if groups.has(other) else ()
    unknown = [each for each in wanted if names and isinstance(each, str) and each not in names]
    if unknown:
        raise UserError(
            f"{entry.key} has the condition {other}={unknown[0]}, but there is no such choice"
            f"{closest(unknown[0], names)}"
        )
    return any(is_same_value(value, each) for each in wanted)


def both(one: Conditions, other: Conditions, groups: Groups) -> Conditions:
    """Return conditions that hold if two do; those that cannot hold have no value for a key.

    other: with values as their keys have them.
    """
    named = {key: _named(key, values, groups) for key, values in one.items() if key in other}
    shared = {key: tuple(each for each in other[key] if _have_common([each], named[key])) for key in named}
    return {**one, **other, **shared}


def _value(key: str, config: DictConfig | None, entry: Entry, swept: Iterable[str]) -> Any:
    """Return the value of a key that does not vary: the option of a group, else the config's value."""
    choices = {} if config is None else OmegaConf.select(config, "hydra.runtime.choices") or {}
    if key in choices:
        return choices[key]
    try:
        value = ABSENT if config is None else OmegaConf.select(config, key, default=ABSENT)
    except OmegaConfBaseException as error:
        raise UserError(f"{entry.key} has a condition on {key}, which has no value here: {error}") from None
    if value is ABSENT:
        names = [*swept, *map(str, choices)]
        raise UserError(
            f"{entry.key} has a condition on {key}, but neither the space nor the config has this key"
            f"{closest(key, names)}"
        )
    return to_optuna(OmegaConf.to_container(value) if OmegaConf.is_config(value) else value)


def _named(key: str, values: Iterable[Any], groups: Groups) -> list[Any]:
    """Return values of a condition; those of a group are names of files."""
    return [groups.choice_name(key, value) for value in values] if groups.has(key) else list(values)


def name_variants(dimensions: Sequence[Dimension]) -> list[Dimension]:
    """Give each of several sweeps over one key a name of its own, to which its conditions belong.

    Raises:
        UserError: two sweeps of one key could be active at once.
    """
    by_key = _by_key(dimensions)
    for key, variants in by_key.items():
        for one, other in combinations(variants, 2):
            shared = one.when.keys() & other.when.keys()
            if all(_have_common(one.when[each], other.when[each]) for each in shared):
                raise UserError(
                    f"{key} has two sweeps at once: {one.describe()}; and {other.describe()}: give them different "
                    "values of one key in their conditions"
                )
    return [
        replace(each, own_name=f"{each.key}{VERSION}{describe_conditions(each.when)}")
        if len(by_key[each.plain_key]) > 1
        else each
        for each in dimensions
    ]


def _have_common(one: Iterable[Any], other: Sequence[Any]) -> bool:
    return any(is_same_value(first, second) for first in one for second in other)


def check_conditions(dimensions: Sequence[Dimension], groups: Groups) -> list[Dimension]:
    """Return dimensions with the values of their conditions as the other keys have them.

    Raises:
        UserError: a condition on the key itself, or with a value that the other key never has.
    """
    by_key = _by_key(dimensions)
    return [replace(each, when=dict(_checked(each, by_key, groups))) for each in dimensions]


def _checked(
    dimension: Dimension, by_key: Mapping[str, Sequence[Dimension]], groups: Groups
) -> Iterable[tuple[str, tuple[Any, ...]]]:
    for other, wanted in dimension.when.items():
        if other == dimension.plain_key:
            raise UserError(f"{dimension.key} has a condition on itself: name another key below when")
        own = [_own_value(dimension, value, by_key[other]) for value in _named(other, wanted, groups)]
        yield other, tuple(dict.fromkeys(own))


def _own_value(dimension: Dimension, value: Any, others: Sequence[Dimension]) -> Any:
    listed = [(each, values) for each in others if (values := each.values()) is not None]
    for other, values in listed:
        if (index := position(other, value)) is not None:
            return values[index]
    key, ranges = others[0].plain_key, "; ".join(each.describe_values() for each in others)
    if not listed:
        raise UserError(
            f"{dimension.key} has a condition on {key}, which is {ranges}: a condition needs a key with choices, or a "
            "range with steps"
        )
    raise UserError(f"{dimension.key} has the condition {key}={show_value(value)}, but {key} varies over {ranges}")


def in_order_of_conditions(dimensions: Sequence[Dimension]) -> list[Dimension]:
    """Return dimensions as they are drawn: each behind all that its conditions name, else in their own order.

    Raises:
        UserError: conditions that go round in a circle.
    """
    ordered: list[Dimension] = []
    rest = list(dimensions)
    while rest:
        waiting = {each.plain_key for each in rest}
        ready = next((each for each in rest if not waiting & each.when.keys()), None)
        if ready is None:
            raise UserError(f"{', '.join(sorted(waiting))}: each has a condition on another of them, in a circle")
        rest.remove(ready)
        ordered.append(ready)
    return ordered


def _by_key(dimensions: Iterable[Dimension]) -> dict[str, list[Dimension]]:
    by_key: dict[str, list[Dimension]] = {}
    for each in dimensions:
        by_key.setdefault(each.plain_key, []).append(each)
    return by_key
