"""Trials and studies as the pages show them, for tests."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution

from tunesmith.insight.pages.study_facts import ParamFacts, State, StudyFacts, TrialFacts


def shown_trial(number: int, value: float | None, state: State = "complete", **more: Any) -> TrialFacts:
    """A trial with this value, of one objective."""
    return TrialFacts(number, state, value, () if value is None else (value,), **more)


def shown_study(
    trials: Sequence[TrialFacts], distributions: Mapping[str, BaseDistribution] | None = None, **more: Any
) -> StudyFacts:
    """A study of these trials, whose parameters are those that some trial has."""
    known = distributions or {}
    keys = list(dict.fromkeys(key for trial in trials for key in trial.params))
    params = [ParamFacts(key, getattr(known.get(key), "log", False), distribution=known.get(key)) for key in keys]
    return StudyFacts("study", "val/loss", trials=trials, params=params, **more)


def random_trials(num: int, **more: Any) -> list[TrialFacts]:
    """Trials whose value is lr's distance from 0.3, and little else; every third one is pruned."""
    draw = random.Random(num)
    found = []
    for number in range(num):
        params = {"lr": draw.random(), "width": draw.randint(1, 64), "name": draw.choice(["a", "b", "c"])}
        state: State = "pruned" if number % 3 == 2 else "complete"
        value = abs(params["lr"] - 0.3) + draw.random() / 100
        found.append(shown_trial(number, value, state, params=params, **more))
    return found
