"""What a worker tells of a trial's constraints before it ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf
from optuna.trial import TrialState
from studies import asked, opened

from tunesmith.errors import RunFailed, UserError
from tunesmith.search.constraints import Constraint
from tunesmith.search.worker.executor import Assignment, Outcome
from tunesmith.search.worker.interruption import Interruption
from tunesmith.search.worker.tell_constraints import tell_constraints
from tunesmith.search.worker.trial_reporter import TrialReporter

CONSTRAINTS = (Constraint("size", "<=", 3.0), Constraint("speed", ">", 1.0))


def outcome_of(state: TrialState | None = TrialState.COMPLETE, **metrics: float) -> Outcome:
    trial = asked(opened())
    reporter = TrialReporter(trial, {}, Interruption(), lambda: False)
    reporter.report_metrics(metrics)
    value = 0.5 if state == TrialState.COMPLETE else None
    return Outcome(Assignment(trial, OmegaConf.create(), Path("0"), reporter), state, value=value)


def told(outcome: Outcome) -> dict[str, float]:
    (trial,) = outcome.assignment.trial.study.trials
    return trial.constraints


def test_each_constraint_is_told_with_its_excess() -> None:
    outcome = outcome_of(size=5, speed=2)
    assert tell_constraints(outcome, CONSTRAINTS) is outcome
    assert told(outcome) == {"size <= 3": 2.0, "speed > 1": -1.0}


def test_a_pruned_trial_tells_what_it_knows() -> None:
    outcome = outcome_of(TrialState.PRUNED, size=5)
    assert tell_constraints(outcome, CONSTRAINTS) is outcome
    assert told(outcome) == {"size <= 3": 2.0}


@pytest.mark.parametrize("state", [TrialState.FAIL, None], ids=["failed", "lost"])
def test_a_trial_without_a_result_is_not_judged(state: TrialState | None) -> None:
    outcome = outcome_of(state)
    assert tell_constraints(outcome, CONSTRAINTS) is outcome
    assert told(outcome) == {}


@pytest.mark.parametrize(
    ("metrics", "got"),
    [({"size": 1, "sped": 2}, "; did you mean speed|; did you mean sped"), ({}, "; got a run that said none")],
    ids=["misspelt", "none"],
)
def test_a_metric_that_the_run_does_not_say_is_a_mistake(metrics: dict[str, float], got: str) -> None:
    ended = tell_constraints(outcome_of(TrialState.COMPLETE, **metrics), CONSTRAINTS)
    assert (ended.state, ended.value, type(ended.error)) == (TrialState.FAIL, None, UserError)
    name = "speed" if metrics else "size"
    assert str(ended.reason).startswith(f"hydra.sweeper.constraints.{name} must be a metric of each run")
    assert any(text in str(ended.reason) for text in got.split("|"))
    assert told(ended) == {}


def test_a_metric_that_is_nan_fails_the_trial() -> None:
    ended = tell_constraints(outcome_of(size=1, speed=float("nan")), CONSTRAINTS)
    assert (ended.state, type(ended.error)) == (TrialState.FAIL, RunFailed)
    assert ended.reason == "speed, which has to be speed > 1, was nan"
