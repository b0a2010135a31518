"""What the checks of a study need, as plain values, and what a check finds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from tunesmith.config.quoting import override as write_override

Numbers = Mapping[str, float | int | str]
Floats = NDArray[np.float64]
State = Literal["complete", "pruned", "failed"]


def allow_all(key: str, value: Any) -> bool:
    """Whether a key may have a value, as far as anybody knows who has no rules."""
    return True


@dataclass(frozen=True)
class CheckedTrial:
    """A trial that ended by itself.

    value: None if it failed; a pruned trial's is the best that it reported.
    params: key -> value, of the keys that the trial has.
    reports: step -> value; epochs: how many were trained.
    is_infeasible: whether it breaks a constraint, so that it is no answer.
    """

    number: int
    state: State
    value: float | None
    params: Mapping[str, Any]
    reports: Mapping[int, float] = field(default_factory=dict)
    epochs: int = 0
    is_infeasible: bool = False


@dataclass(frozen=True)
class Score:
    """A metric of the best trial on the validation part and on the test part, with their standard errors."""

    name: str
    validation: float
    test: float
    validation_se: float
    test_se: float
    is_higher_better: bool


@dataclass(frozen=True)
class CheckedStudy:
    """The trials of one stage, without repeats of one configuration that a confirmation runs.

    distributions: of the keys that vary.
    allows: whether a key may have a value, by the rules of who takes it; override: what gives a key a value.
    max_epochs: of a trial, None if unknown; epochs_key: the key that sets it, None if there is none.
    noise_sd: standard deviation of a trial's value between runs of one configuration; None if unknown.
    baseline: number of the trial that ran the configuration as it stands.
    linear: value of a linear model on the best trial's data; None if unknown.
    is_confirmed: whether the best configurations were run again on further seeds.
    """

    trials: Sequence[CheckedTrial]
    distributions: Mapping[str, BaseDistribution]
    is_maximized: bool = False
    allows: Callable[[str, Any], bool] = allow_all
    override: Callable[[str, Any], str] = write_override
    n_trials: int | None = None
    max_epochs: int | None = None
    epochs_key: str | None = None
    noise_sd: float | None = None
    score: Score | None = None
    baseline: int | None = None
    linear: float | None = None
    is_confirmed: bool = False

    @cached_property
    def complete(self) -> list[CheckedTrial]:
        """The trials that ran to their end and kept all constraints, the best first."""
        able = [trial for trial in self.trials if trial.state == "complete" and not trial.is_infeasible]
        return sorted(able, key=self.loss)

    @cached_property
    def scored(self) -> list[CheckedTrial]:
        """The trials that have a value, the best first.

        Pruned trials count with the best value that they reported, as in trials.csv. Measured on simulated studies that
        the median pruner thinned out to 22 of 100 trials: without them, or ranked behind all complete ones, the
        median F of a key falls from 48 to 5 and to 22; values at one epoch that all have reached gave no more.
        """
        return sorted((trial for trial in self.trials if trial.value is not None), key=self.loss)

    @property
    def sign(self) -> int:
        """What makes a value a loss, of which less is better."""
        return -1 if self.is_maximized else 1

    def loss(self, trial: CheckedTrial) -> float:
        assert trial.value is not None
        return self.sign * trial.value


@dataclass(frozen=True)
class NewRange:
    """A key's range with one bound moved, the high one or the low one."""

    key: str
    low: float
    high: float
    is_high: bool


@dataclass(frozen=True)
class Finding:
    """What a check says.

    text: one sentence; numbers: what it rests on; threshold: the rule that it met, with its constants.
    override: what to type next, as Hydra reads it; None if there is nothing to type.
    new_range: what the override says if it moves a bound.
    """

    name: str
    text: str
    numbers: Numbers
    threshold: str
    override: str | None = None
    new_range: NewRange | None = None

    def to_plain(self) -> dict[str, Any]:
        """Return the finding as it stands in optimization_results.yaml."""
        return {
            "name": self.name,
            "text": self.text,
            "numbers": dict(self.numbers),
            "threshold": self.threshold,
            "override": self.override,
        }


def distinct(trials: Sequence[CheckedTrial]) -> list[CheckedTrial]:
    """Return the first trial of each configuration."""
    return list({configuration(trial): trial for trial in reversed(trials)}.values())[::-1]


def configuration(trial: CheckedTrial) -> tuple[tuple[str, str], ...]:
    """Return what tells a trial's configuration from others."""
    return tuple(sorted((key, repr(value)) for key, value in trial.params.items()))


def position(distribution: BaseDistribution, value: Any) -> float:
    """Return where a number lies in its range, on the range's own scale: 0 at the low edge, 1 at the high one."""
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high, number = distribution.low, distribution.high, float(value)
    if low == high:
        return 0.5
    if distribution.log:
        low, high, number = math.log(low), math.log(high), math.log(number)
    return (number - low) / (high - low)


def is_number(distribution: BaseDistribution) -> bool:
    return not isinstance(distribution, CategoricalDistribution)


def short(value: float) -> str:
    return f"{value:.3g}"
