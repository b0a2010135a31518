"""Tells Optuna whether a trial keeps the constraints of its study."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from optuna.trial import TrialState

from tunesmith.errors import RunFailed, UserError, closest
from tunesmith.search.constraints import Constraint
from tunesmith.search.worker.executor import Outcome


def tell_constraints(outcome: Outcome, constraints: Sequence[Constraint]) -> Outcome:
    """Tell a trial's constraints, before its end; return its outcome: a failure if its job said no such metric.

    A pruned trial may have said none.
    """
    if not constraints or outcome.state not in (TrialState.COMPLETE, TrialState.PRUNED):
        return outcome
    metrics = outcome.assignment.reporter.metrics
    if outcome.state == TrialState.COMPLETE:
        for constraint in constraints:
            if (error := _fault(constraint, metrics)) is not None:
                return replace(outcome, state=TrialState.FAIL, value=None, reason=str(error), error=error)
    for constraint in constraints:
        if _fault(constraint, metrics) is None:
            outcome.assignment.trial.set_constraint(str(constraint), constraint.violation(metrics[constraint.metric]))
    return outcome


def _fault(constraint: Constraint, metrics: Mapping[str, float]) -> Exception | None:
    """Return why a constraint cannot be judged, None if it can."""
    name = constraint.metric
    if name in metrics:
        value = metrics[name]
        return None if math.isfinite(value) else RunFailed(f"{name}, which has to be {constraint}, was {value}")
    known = closest(name, metrics) if metrics else "; got a run that said none"
    return UserError(
        f"hydra.sweeper.constraints.{name} must be a metric of each run{known}; a job of your own says it by "
        "tunesmith.report_metrics"
    )
