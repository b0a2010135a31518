"""The seam between a worker and what runs its trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from listener import Listener
from optuna.trial import TrialState

from tunesmith.search.worker.executor import Assignment, Outcome, one_at_a_time


def test_one_at_a_time_pulls_the_next_trial_when_the_one_before_has_ended() -> None:
    events: list[str] = []
    waiting = [Assignment(cast(Any, None), cast(Any, None), Path(name), Listener()) for name in "ab"]

    def more(n: int) -> Sequence[Assignment]:
        events.append(f"more({n})")
        return [waiting.pop(0)] if waiting else []

    def run(assignment: Assignment) -> Outcome:
        events.append(f"run {assignment.folder}")
        return Outcome(assignment, TrialState.COMPLETE, value=0.5)

    for outcome in one_at_a_time(run)(more):
        events.append(f"told {outcome.assignment.folder}")
    assert events == ["more(1)", "run a", "told a", "more(1)", "run b", "told b", "more(1)"]
