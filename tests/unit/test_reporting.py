"""The hand-over: which reporter a run finds, and what report() does with its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import optuna
import pytest

from tunesmith.reporting import current_reporter, handed_over, is_trial, report


@dataclass
class StopsAt:
    """Answers that the run should stop from one step on."""

    step: int
    params: Mapping[str, Any] = field(default_factory=dict)
    is_retry: bool = False
    reported: list[tuple[int, float]] = field(default_factory=list)

    def report(self, step: int, value: float, epochs: int = 1) -> bool:
        self.reported.append((step, value))
        return step >= self.step

    def poll(self) -> None:
        return


def test_a_plain_run_is_never_stopped() -> None:
    assert [current_reporter().report(step, float("nan")) for step in range(3)] == [False] * 3


def test_report_in_a_plain_run_does_nothing() -> None:
    report(0.5, step=1)
    assert not is_trial()


def test_report_hands_step_and_value_over() -> None:
    reporter = StopsAt(10)
    with handed_over(reporter):
        report(1, step=1)
        report(0.5, step=2)
    assert reporter.reported == [(1, 1.0), (2, 0.5)]


def test_report_ends_the_job_that_should_stop() -> None:
    with handed_over(StopsAt(2)):
        report(0.5, step=1)
        with pytest.raises(optuna.TrialPruned, match=r"^pruned at step 2$"):
            report(0.5, step=2)


def test_a_trial_is_told_from_a_plain_run() -> None:
    with handed_over(StopsAt(1)):
        assert is_trial()


def test_the_reporter_before_comes_back() -> None:
    outer, inner = StopsAt(1), StopsAt(1)
    with handed_over(outer):
        with handed_over(inner):
            assert current_reporter() is inner
        assert current_reporter() is outer


def test_a_job_that_raises_leaves_no_reporter_behind() -> None:
    with pytest.raises(ZeroDivisionError, match="a bug"), handed_over(StopsAt(1)):
        raise ZeroDivisionError("a bug")
    assert not is_trial()
