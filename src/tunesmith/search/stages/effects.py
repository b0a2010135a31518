"""The effect of each key in a stage that changed one key at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial

from tunesmith.search.space.dimension import Params
from tunesmith.search.stages.best import is_ranked
from tunesmith.search.study.trial import Attempt


@dataclass(frozen=True)
class Effect:
    """What one key does, all others left as they are.

    size: the largest value of the objective less the smallest, over the values of the key and the base.
    best: the key's value with the best objective; None if that is the base, in which the key has no value of its range.
    values: pairs of the key's value and the objective, in the order of the trials.
    """

    key: str
    size: float
    best: Any
    values: tuple[tuple[Any, float], ...]


def effects(trials: Iterable[FrozenTrial], is_maximized: bool) -> list[Effect]:
    """Return the effect of each key, the largest first; none if the base has not run to its end.

    trials: of a stage that changes one key at a time. The base is the first trial from which each other one differs in
    one key at most; a key without a value in a trial is as in the config. Trials that are marked as no points of the
    stage are left out: of a config that has changed, they have another base.
    """
    ranked = [trial for trial in trials if is_ranked(trial) and not Attempt(trial).is_repeat]
    base = next((trial for trial in ranked if _is_base(trial, ranked)), None)
    if base is None:
        return []
    found: dict[str, list[tuple[Any, float]]] = {}
    for trial in ranked:
        for key in _changed(_params(trial), _params(base)):
            start = [(_params(base).get(key), float(base.values[0]))]
            found.setdefault(key, start).append((_params(trial).get(key), float(trial.values[0])))
    return sorted((_effect(key, pairs, is_maximized) for key, pairs in found.items()), key=lambda each: -each.size)


def as_rows(found: Iterable[Effect]) -> list[dict[str, Any]]:
    """Return effects as optimization_results.yaml lists them."""
    return [
        {"key": each.key, "effect": each.size, "best": each.best, "values": [list(pair) for pair in each.values]}
        for each in found
    ]


def as_line(found: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows of a stage's effects as the console shows them."""
    return "  ".join(f"{row['key']} {row['effect']:.4g}" for row in found)


def _params(trial: FrozenTrial) -> Params:
    return Attempt(trial).params


def _is_base(trial: FrozenTrial, others: Iterable[FrozenTrial]) -> bool:
    return all(len(_changed(_params(other), _params(trial))) <= 1 for other in others)


def _changed(params: Params, base: Params) -> list[str]:
    """Return the keys that have other values in one trial than in the other, or a value in one of them alone."""
    keys = dict.fromkeys([*params, *base])
    return [key for key in keys if (key in params) != (key in base) or params.get(key) != base.get(key)]


def _effect(key: str, pairs: Sequence[tuple[Any, float]], is_maximized: bool) -> Effect:
    numbers = [number for _, number in pairs]
    best = (max if is_maximized else min)(pairs, key=lambda pair: pair[1])
    return Effect(key, max(numbers) - min(numbers), best[0], tuple(pairs))
