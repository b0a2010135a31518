"""hydra.sweeper.stages as typed values; docs/stages.md explains each key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, cast

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import ListConfig, OmegaConf

from tunesmith.checks import check_rule
from tunesmith.errors import UserError, closest
from tunesmith.rules import (
    FLAG,
    FRACTION,
    POSITIVE,
    TEXT,
    Rule,
    integer,
    is_integer,
    is_list,
    is_number,
    list_of,
    one_of,
)
from tunesmith.rules import or_null as null_or

KEY = "hydra.sweeper.stages"
REST = "rest"
DEFAULTS, BEST = "defaults", "best"
# What a stage runs; without any of them, its sampler draws.
POINTS = ("grid", "neighbours", "one_at_a_time", "top", "baseline")
# Keys that say nothing to a stage whose trials are all given.
_NOT_BESIDE = {
    **dict.fromkeys(("top", "baseline"), ("keys", "narrow", "others")),
    "neighbours": ("narrow",),
}

# Number of levels, or the levels themselves, of all keys or of the keys that are named.
Levels = int | Mapping[str, int | Sequence[Any]]


@dataclass(frozen=True)
class StageSettings:
    """One entry of hydra.sweeper.stages.

    index: its place in the list. sampler, pruner: the name of a file of its group, a node, or None for the sweeper's.
    keys: names or patterns of what it varies, None for all. narrow: the part of each range that is left.
    neighbours: a part of the range, or steps of the keys that it varies.
    """

    index: int
    name: str
    n_trials: int | None = None
    sampler: str | Mapping[str, Any] | None = None
    pruner: str | Mapping[str, Any] | None = None
    keys: tuple[str, ...] | None = None
    others: str = BEST
    narrow: float | None = None
    grid: Levels | None = None
    neighbours: float | Mapping[str, float] | None = None
    one_at_a_time: Levels | None = None
    top: int | None = None
    baseline: bool = False
    overrides: tuple[str, ...] = ()
    target: float | None = None
    no_improvement: int | None = None
    total_epochs: int | None = None

    @property
    def kind(self) -> str | None:
        """The key that says which points the stage runs, None if its sampler draws them."""
        return next((key for key in POINTS if getattr(self, key)), None)

    @property
    def patterns(self) -> tuple[str, ...] | None:
        """What the stage varies: its keys, or those that its points name."""
        named = None if self.kind is None else getattr(self, self.kind)
        return tuple(named) if isinstance(named, Mapping) else self.keys

    @property
    def overridden(self) -> set[str]:
        """The keys that its overrides set, without + in front."""
        return {text.partition("=")[0].lstrip("+") for text in self.overrides}

    def key(self, name: str) -> str:
        """Return the whole key of one of the stage's, for messages."""
        return f"{KEY}[{self.index}].{name}"


def _is_named(value: object, holds: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(k, str) and holds(value[k]) for k in value)


def _is_level(value: object) -> bool:
    return (is_integer(value) and cast(int, value) >= 1) or is_list(value)


def _is_assignment(text: str) -> bool:
    try:
        override = OverridesParser.create().parse_override(text)
    except HydraException:
        return False
    return not (override.is_delete() or override.is_sweep_override() or override.is_hydra_override())


_LEVELS = Rule(
    "an integer >= 1, or a dict of keys, each with an integer >= 1 or a list of values, or null",
    lambda value: value is None or (is_integer(value) and value >= 1) or _is_named(value, _is_level),
)
_COMPONENT = Rule(
    "the name of a file of its group, or a node with a _target_, or null",
    lambda value: value is None or TEXT.holds(value) or (isinstance(value, Mapping) and "_target_" in value),
)
_RULES: dict[str, Rule] = {
    "name": Rule("a text in one line", lambda value: TEXT.holds(value) and value.isprintable()),
    "n_trials": null_or(integer(1)),
    "sampler": _COMPONENT,
    "pruner": _COMPONENT,
    "keys": null_or(list_of(TEXT)),
    "others": one_of(DEFAULTS, BEST),
    "narrow": null_or(FRACTION),
    "grid": _LEVELS,
    "neighbours": Rule(
        "a number in (0, 1), the part of each range, or a dict of keys, each with a step > 0, or null",
        lambda value: value is None or FRACTION.holds(value) or _is_named(value, POSITIVE.holds),
    ),
    "one_at_a_time": _LEVELS,
    "top": null_or(integer(1)),
    "baseline": FLAG,
    "overrides": Rule(
        "a list of overrides KEY=VALUE that are no sweeps, and none of hydra's",
        lambda value: (
            isinstance(value, list | tuple) and all(isinstance(text, str) and _is_assignment(text) for text in value)
        ),
    ),
    "target": null_or(Rule("a number", is_number)),
    "no_improvement": null_or(integer(1)),
    "total_epochs": null_or(integer(1)),
}
_NAMES = {field.name for field in fields(StageSettings)} - {"index"}


def read_stages(given: object) -> tuple[StageSettings, ...]:
    """Check the entries of hydra.sweeper.stages.

    Raises:
        UserError: names the stage, the key, its rule and the value.
    """
    plain = OmegaConf.to_container(given, resolve=True) if isinstance(given, ListConfig) else given or ()
    if not isinstance(plain, list | tuple):
        raise UserError(f"{KEY} must be a list of stages; got {plain!r}")
    stages = tuple(_read(index, node) for index, node in enumerate(plain))
    for stage in stages:
        if any(other.name == stage.name for other in stages[: stage.index]):
            raise UserError(f"{stage.key('name')} must be a name of its own; got '{stage.name}' twice")
    return stages


def _read(index: int, node: object) -> StageSettings:
    if not isinstance(node, Mapping):
        raise UserError(f"{KEY}[{index}] must be a dict of a stage's keys; got {node!r}")
    given = {str(key): value for key, value in node.items()}
    given |= {"name": str(index) if given.get("name") is None else str(given["name"])}
    if isinstance(given.get("keys"), str):
        given["keys"] = [given["keys"]]
    for key, value in given.items():
        if key not in _NAMES:
            raise UserError(f"{KEY}[{index}].{key}: there is no such key{closest(key, _NAMES)}")
        check_rule(f"{KEY}[{index}].{key}", _RULES[key], value)
    lists = {key: tuple(given[key]) for key in ("keys", "overrides") if given.get(key) is not None}
    stage = StageSettings(index, **{**given, **lists})
    _check_together(stage, given)
    return stage


def _check_together(stage: StageSettings, given: Mapping[str, Any]) -> None:
    """Raise UserError for keys of a stage of which one would be ignored, and for one that lacks its share."""
    kinds = [key for key in POINTS if getattr(stage, key)]
    if len(kinds) > 1:
        raise UserError(
            f"{stage.key(kinds[1])} must be left out beside {kinds[0]}: a stage runs the points of one of them"
        )
    if stage.kind is None:
        if stage.n_trials is None:
            raise UserError(f"{stage.key('n_trials')} must be given: the stage's part of hydra.sweeper.n_trials")
        return
    useless = ["sampler", *_NOT_BESIDE.get(stage.kind, ())]
    useless += ["keys"] * isinstance(getattr(stage, stage.kind), Mapping)
    for key in useless:
        if given.get(key) is not None:
            raise UserError(
                f"{stage.key(key)} must be left out: it has no effect beside {stage.kind}; got {given[key]}"
            )
