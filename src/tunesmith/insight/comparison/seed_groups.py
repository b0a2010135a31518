"""One configuration with several seeds: runs, studies, or trials of a study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from omegaconf import OmegaConf

from tunesmith.config.changes import ABSENT, Change, find_changes, show_value
from tunesmith.config.free_keys import is_free
from tunesmith.insight.comparison.members import SEED, Curve, Member
from tunesmith.insight.pages.plain_values import at
from tunesmith.insight.pages.study_facts import StudyFacts, TrialFacts

_TARGET = "._target_"


@dataclass(frozen=True)
class SeedGroup:
    """What one configuration reached.

    values: seed -> value of the objective; curves: of its members.
    data: digest of the data, None if unknown.
    """

    name: str
    metric: str
    mode: str
    values: Mapping[int, float]
    curves: Sequence[Curve] = field(default_factory=tuple)
    data: str | None = None


def group(members: Sequence[Member]) -> list[SeedGroup]:
    """Return a group for each configuration, in the order of the first members.

    A group of one member has its name. The others are named by what tells their configurations apart. Of two members
    with the same seed, the first one counts.
    """
    kinds: list[list[Member]] = []
    for member in members:
        kind = next((kind for kind in kinds if _is_same(kind[0], member)), None)
        if kind is None:
            kinds.append([member])
        else:
            kind.append(member)
    names = _names([kind[0] for kind in kinds])
    return [_make(kind, name) for kind, name in zip(kinds, names, strict=True)]


def groups_in(study: StudyFacts) -> list[SeedGroup]:
    """Return the configurations of a study that ran with several seeds: swept over, or run again to confirm the best.

    Of a confirmation only the confirmed one is returned, without the score that it was chosen by.
    """
    repeats = [trial for trial in study.trials if trial.is_repeat]
    kinds: dict[str, list[TrialFacts]] = {}
    for trial in repeats or study.ranked:
        if trial.state == "complete" and trial.value is not None and isinstance(trial.params.get(SEED), int):
            kinds.setdefault(_configuration(trial.params), []).append(trial)
    confirmed = at(study.results, "confirm.trial") if repeats else None
    chosen = [trial for trial in study.trials if trial.number == confirmed]
    if chosen:
        kinds = {key: trials for key, trials in kinds.items() if key == _configuration(chosen[0].params)}
    return [
        SeedGroup(
            f"{study.name} {_text(trials[0].params) if len(kinds) > 1 else ''}".rstrip(),
            study.metric,
            study.mode,
            {trial.params[SEED]: trial.value for trial in trials if trial.value is not None},
            data=study.best_result.get("data_digest"),
        )
        for trials in kinds.values()
        if len(trials) > 1
    ]


def _make(kind: Sequence[Member], name: str) -> SeedGroup:
    first = kind[0]
    values = {each.seed: each.value for each in reversed(kind) if each.seed is not None and each.value is not None}
    curves = [each.curve for each in kind if each.curve.epochs]
    in_order = dict(sorted(values.items()))
    return SeedGroup(name if len(kind) > 1 else first.name, first.metric, first.mode, in_order, curves, first.data)


def _is_same(first: Member, second: Member) -> bool:
    facts = [(each.metric, each.mode, each.data) for each in (first, second)]
    return facts[0] == facts[1] and bool(first.config) and not _changes(first, second)


def _names(firsts: Sequence[Member]) -> list[str]:
    """Return what of each configuration differs from another one; the name of its first member if nothing does."""
    changes = {change.key for other in firsts[1:] for change in _changes(firsts[0], other)}
    targets = {key.removesuffix(_TARGET) for key in changes if key.endswith(_TARGET)}
    keys = sorted(key for key in changes if key.endswith(_TARGET) or not _is_below(key, targets))
    return [" ".join(filter(None, (_show(member, key) for key in keys))) or member.name for member in firsts]


def _changes(first: Member, second: Member) -> list[Change]:
    old, new = (OmegaConf.create(dict(member.config)) for member in (first, second))
    return [change for change in find_changes(old, new) if change.key != SEED and not is_free(change.key)]


def _is_below(key: str, nodes: Iterable[str]) -> bool:
    return any(key.startswith(f"{node}.") for node in nodes)


def _show(member: Member, key: str) -> str:
    """Return KEY=VALUE, of a class its name; nothing of a key that the configuration lacks."""
    value: Any = member.config
    for name in key.split("."):
        value = value.get(name, ABSENT) if isinstance(value, Mapping) else ABSENT
    if value is ABSENT:
        return ""
    is_class = key.endswith(_TARGET)
    return f"{key.removesuffix(_TARGET)}={str(value).rpartition('.')[2] if is_class else show_value(value)}"


def _configuration(params: Mapping[str, Any]) -> str:
    return repr(sorted((key, value) for key, value in params.items() if key != SEED))


def _text(params: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={show_value(value)}" for key, value in params.items() if key != SEED)
