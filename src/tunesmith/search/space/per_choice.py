"""The space of a sweep over choices of groups, where each choice may bring a space of its own: -m model=mlp,cnn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tunesmith.config.in_job import resolved_as_in_job
from tunesmith.errors import UserError
from tunesmith.search.space.compose import Composer
from tunesmith.search.space.conditions import both, decide
from tunesmith.search.space.dimension import Dimension, Params, describe_conditions
from tunesmith.search.space.entries import Entry
from tunesmith.search.space.groups import MAX_COMBINATIONS, Groups
from tunesmith.search.space.params import read_params
from tunesmith.search.space.space import Space, entries_that_count, parse_space, to_space

# The positions of one choice of each group.
_Cell = tuple[int, ...]


def find_space(
    params: Mapping[str, Any], typed: Sequence[str], loader: ConfigLoader, config: DictConfig, is_open: bool
) -> tuple[Space, Composer]:
    """Return what a sweep varies, and what composes the configs of its trials.

    Each combination of swept choices is composed, as the checks of the sweep need it anyway, and the params are read
    that it has: a key that they all vary alike is unconditional, a key of some is conditional on their choices, and
    another sweep of a key is a dimension of its own.

    params: of the sweep's own config; typed: the overrides of the command line.
    is_open: whether a function of the user suggests further parameters.

    Raises:
        UserError: a sweep that cannot be drawn from, or a condition that cannot hold.
        hydra.errors.HydraException: there is no such choice.
    """
    groups = Groups(loader)
    entries = entries_that_count(params, typed, loader)
    leading = [each for each in entries if each.is_sweep and not each.when and groups.has(each.override.key_or_group)]
    if not leading:
        space = replace(parse_space(params, typed, loader, config), is_open=is_open)
        return space, Composer(loader, config, space)
    choices = to_space([each for each in entries if each in leading or not each.is_sweep], groups)
    composer = Composer(loader, config, choices)

    def read(combination: Params) -> _Found:
        return _read(composer.compose(combination, 0, "0"), typed, loader)

    influential = _influential(list(choices.dimensions.values()), read)
    found = {cell: read(combination) for cell, combination in _cells(choices, influential)}
    merged = to_space(list(_merge(found, influential, groups)), groups)
    remarks = {key: remark for each in found.values() for key, remark in each.remarks.items()}
    varied = {each.plain_key for each in merged.dimensions.values()}
    space = replace(merged, remarks=tuple(remarks[key] for key in remarks if key not in varied), is_open=is_open)
    return space, composer.of_space(space)


@dataclass(frozen=True)
class _Found:
    """What one combination of choices varies; remarks: key that is left out with it -> why; params: of its config."""

    entries: Sequence[Entry]
    remarks: Mapping[str, str]
    params: Mapping[str, Any]


def _read(config: DictConfig, typed: Sequence[str], loader: ConfigLoader) -> _Found:
    params = _params(config)
    return _Found(*decide(entries_that_count(params, typed, loader), config, Groups(loader)), params)


def _influential(groups: list[Dimension], read: Callable[[Params], _Found]) -> list[Dimension]:
    """Return the groups whose choices may bring a space of their own: all, unless these are too many combinations.

    Raises:
        UserError: there are too many combinations of groups that do.
    """
    if _num_cells(groups) <= MAX_COMBINATIONS:
        return groups
    first = {each.key: each.extremes()[0] for each in groups}
    params = read(first).params
    found = [
        each for each in groups if any(read({**first, each.key: choice}).params != params for choice in each.extremes())
    ]
    if _num_cells(found) > MAX_COMBINATIONS:
        raise UserError(
            f"{', '.join(each.key for each in found)}: each choice has a space of its own, which makes more than "
            f"{MAX_COMBINATIONS} combinations: choose one space for all by space=NAME, or sweep fewer choices"
        )
    return found


def _num_cells(groups: Sequence[Dimension]) -> int:
    return math.prod(len(each.extremes()) for each in groups)


def _cells(choices: Space, groups: Sequence[Dimension]) -> Iterator[tuple[_Cell, Params]]:
    """Yield each combination of the choices of groups; other groups have their first choice."""
    first = {each.key: each.extremes()[0] for each in choices.dimensions.values()}
    for cell in itertools.product(*(range(len(each.extremes())) for each in groups)):
        yield cell, {**first, **{each.key: each.extremes()[index] for each, index in zip(groups, cell, strict=True)}}


def _merge(found: Mapping[_Cell, _Found], groups: Sequence[Dimension], names: Groups) -> Iterator[Entry]:
    """Yield the entries of all cells, those of params first, each with the choices that have it as its conditions."""
    entries: dict[tuple[str, str], Entry] = {}
    cells: dict[tuple[str, str], set[_Cell]] = {}
    for cell, each in found.items():
        for entry in each.entries:
            identity = entry.text, describe_conditions(entry.when)
            entries.setdefault(identity, entry)
            cells.setdefault(identity, set()).add(cell)
    lengths = [len(each.extremes()) for each in groups]
    for identity in sorted(entries, key=lambda identity: entries[identity].entry_key is None):
        for box in _boxes(cells[identity], lengths):
            pairs = zip(groups, box, strict=True)
            narrow = {
                each.plain_key: tuple(each.extremes()[index] for index in indices)
                for each, indices in pairs
                if len(indices) < len(each.extremes())
            }
            when = both(entries[identity].when, narrow, names)
            if all(when.values()):
                yield replace(entries[identity], when=when)


def _boxes(cells: Collection[_Cell], lengths: Sequence[int]) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Yield boxes that together are the cells and have none in common: positions of choices for each group."""
    if not lengths:
        yield ()
        return
    rests: dict[frozenset[_Cell], list[int]] = {}
    for index in range(lengths[0]):
        rest = frozenset(cell[1:] for cell in cells if cell[0] == index)
        if rest:
            rests.setdefault(rest, []).append(index)
    for rest, indices in rests.items():
        yield from ((tuple(indices), *box) for box in _boxes(rest, lengths[1:]))


def _params(config: DictConfig) -> Mapping[str, Any]:
    """Return the params of a composed config as overrides need them."""
    written = OmegaConf.to_container(config.hydra.sweeper, resolve=False)
    assert isinstance(written, dict)
    try:
        with resolved_as_in_job(config, "hydra.sweep.dir", "hydra.sweep.subdir"):
            resolved = OmegaConf.to_container(config.hydra.sweeper.params or OmegaConf.create(), resolve=True)
    except OmegaConfBaseException as error:
        raise UserError(f"hydra.sweeper.params: {' '.join(str(error).split())}") from None
    assert isinstance(resolved, dict)
    return read_params({str(key): value for key, value in resolved.items()}, written.get("params"))
