"""What the page of a study shows, as plain values: search/report/ reads them, the sections draw them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from tunesmith.insight.pages.plain_values import at, dict_of

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

State = Literal["complete", "pruned", "failed", "running", "waiting", "lost"]
# States of trials that count for n_trials.
ENDED: tuple[State, ...] = ("complete", "pruned", "failed")


@dataclass(frozen=True)
class TrialFacts:
    """A trial: the attempt that ended it, or the one that runs.

    value: of the first objective; a pruned trial's is the best that it reported; None if it has none. It may be inf.
    values: of all objectives; empty if there are none.
    params: key -> value, of the keys that the trial has.
    curve: step (an epoch, or a fold) -> reported value, in the order of steps; NaN and inf are as they were.
    seconds: from the ask to the end; None if it is not over.
    worker: host and number (or pid) of who ran it; None if unknown.
    stage: name of the sweep's stage, None without stages.
    reason: why it failed; folder: its name in the study's folder, or a text to show if it lies elsewhere.
    is_infeasible: whether it breaks a constraint, named in `violations`.
    is_comparable: whether its value may be compared with the best one's: the same data, epochs and configuration.
    is_baseline: whether it ran the configuration as it stands.
    is_repeat: whether it repeats a configuration of another trial, to confirm it.
    findings: names of what went wrong in its training.
    """

    number: int
    state: State
    value: float | None = None
    values: Sequence[float] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    curve: Mapping[int, float] = field(default_factory=dict)
    epochs: int = 0
    seconds: float | None = None
    started: datetime | None = None
    ended: datetime | None = None
    worker: str | None = None
    stage: str | None = None
    reason: str | None = None
    folder: str = ""
    is_infeasible: bool = False
    violations: Sequence[str] = ()
    is_comparable: bool = True
    is_baseline: bool = False
    is_repeat: bool = False
    findings: Sequence[str] = ()


@dataclass(frozen=True)
class ParamFacts:
    """A key that varies: its scale and range.

    low, high: None for choices; choices: texts, None for numbers.
    distribution: Optuna's, None if the study's storage could not be read.
    """

    key: str
    is_log: bool = False
    low: float | None = None
    high: float | None = None
    choices: Sequence[Any] | None = None
    distribution: BaseDistribution | None = None


@dataclass(frozen=True, eq=False)  # compared by identity, so that what is computed of one can be kept
class StudyFacts:
    """A study.

    metric: name of the objective; others: of further ones; modes: min or max, of each.
    trials: in the order of their numbers, those that count, run, wait or were lost and not run again.
    params: in the order in which they appear.
    results: content of optimization_results.yaml, {} if there is none.
    config: content of multirun.yaml, {} if there is none; nothing in it is resolved.
    best_config: the config of the best trial, {} if it is not there; nothing in it is resolved.
    best_result, best_test: result.yaml and test.yaml of the best trial, {} if there are none.
    preparation: preparation.json of the best trial, {} if there is none.
    linear: metrics of a linear model on the best trial's data, {} if unknown.
    best_se: standard error of the best value, None if unknown; se_source: where it comes from.
    repeat_command, resume_command: None if they cannot be made.
    folder: the study's, as text.
    missing: sentences about what could not be read, by the id of the section that lacks it; "" is the whole page.
    """

    name: str
    metric: str = "value"
    others: Sequence[str] = ()
    modes: Sequence[str] = ("min",)
    trials: Sequence[TrialFacts] = ()
    params: Sequence[ParamFacts] = ()
    results: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    best_config: Mapping[str, Any] = field(default_factory=dict)
    best_result: Mapping[str, Any] = field(default_factory=dict)
    best_test: Mapping[str, Any] = field(default_factory=dict)
    linear: Mapping[str, Any] = field(default_factory=dict)
    preparation: Mapping[str, Any] = field(default_factory=dict)
    best_se: float | None = None
    se_source: str = ""
    repeat_command: str | None = None
    resume_command: str | None = None
    folder: str = ""
    missing: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def mode(self) -> str:
        return self.modes[0]

    @property
    def sweeper(self) -> Mapping[str, Any]:
        """The node hydra.sweeper of the config, {} if there is none."""
        return dict_of(at(self.config, "hydra.sweeper"))

    @property
    def is_multi(self) -> bool:
        return len(self.modes) > 1

    @property
    def sign(self) -> int:
        """What makes a value a loss, of which less is better."""
        return -1 if self.mode == "max" else 1

    @cached_property
    def ranked(self) -> list[TrialFacts]:
        """The complete trials that can be the answer, the best first: feasible, comparable, no repeats."""
        able = [
            trial
            for trial in self.trials
            if trial.state == "complete"
            and trial.value is not None
            and not math.isnan(trial.value)
            and not trial.is_infeasible
            and trial.is_comparable
            and not trial.is_repeat
        ]
        return sorted(able, key=lambda trial: (self.sign * (trial.value or 0.0), trial.number))

    @cached_property
    def best(self) -> TrialFacts | None:
        """The best trial; None with several objectives.

        It is the one that the results name, of which they hold the test metrics: the last stage may have chosen it, or
        a confirmation. If trials have ended since the results were written, a better one comes before it.
        """
        if self.is_multi:
            return None
        named = self.results.get("best_trial")
        stated = next((trial for trial in self.trials if trial.number == named), None)
        first = next(iter(self.ranked), None)
        if stated is None or first is None or stated not in self.ranked or self.results.get("confirm"):
            return stated or first
        return first if self.num_since_results > 0 and first.value != stated.value else stated

    @property
    def is_best_of_results(self) -> bool:
        """Whether the best trial is the one that the results name, so that what they say of it holds."""
        return self.best is not None and self.best.number == self.results.get("best_trial")

    @property
    def num_since_results(self) -> int:
        """How many more trials have ended than the results count; fewer if the storage has lost some; 0 without any."""
        counted = self.results.get("trials")
        found = [counted.get(state) for state in ENDED] if isinstance(counted, Mapping) else []
        numbers = [number for number in found if isinstance(number, int)]
        if len(numbers) < len(ENDED):
            return 0
        return sum(trial.state in ENDED for trial in self.trials) - sum(numbers)

    @cached_property
    def baseline(self) -> TrialFacts | None:
        """The first trial that ran the configuration as it stands, one that is comparable if there is any."""
        able = [trial for trial in self.trials if trial.is_baseline]
        return min(able, key=lambda trial: (not trial.is_comparable, trial.number), default=None)
