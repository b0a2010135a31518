"""Studies as their checks take them, made by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from tunesmith.insight.study_checks.trials import CheckedStudy, CheckedTrial, Finding

LR: dict[str, BaseDistribution] = {"lr": FloatDistribution(1e-4, 1e-1, log=True)}
LR_AND_KIND = {**LR, "kind": CategoricalDistribution(("a", "b", "c"))}


def complete(number: int, value: float, *reports: float, **params: Any) -> CheckedTrial:
    return CheckedTrial(number, "complete", value, params, dict(enumerate(reports, start=1)), len(reports))


def pruned(number: int, *reports: float, **params: Any) -> CheckedTrial:
    return CheckedTrial(number, "pruned", min(reports), params, dict(enumerate(reports, start=1)), len(reports))


def failed(number: int, **params: Any) -> CheckedTrial:
    return CheckedTrial(number, "failed", None, params)


def lr_at(place: float) -> float:
    """Return the learning rate at a position of its range: 0 at the low edge, 1 at the high one."""
    return 1e-4 * 1000**place


def drawn(
    num: int, loss: Callable[[float, str], float], noise: float = 0.01, seed: int = 0, **others: Any
) -> CheckedStudy:
    """A study of random draws of lr and kind; loss: of the position of lr and the kind."""
    rng = np.random.default_rng(seed)
    trials = []
    for number in range(num):
        place, kind = float(rng.uniform()), str(rng.choice(["a", "b", "c"]))
        value = loss(place, kind) + float(rng.normal(0, noise))
        trials.append(complete(number, value, lr=lr_at(place), kind=kind))
    return CheckedStudy(trials, LR_AND_KIND, **others)


def names(findings: Sequence[Finding]) -> list[str]:
    return [finding.name for finding in findings]
