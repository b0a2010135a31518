"""The hand-over: which reporter a run finds, and what report() does with its answer."""

from __future__ import annotations

import optuna
import pytest
from listener import Listener

from tunesmith.reporting import current_reporter, hand_over, is_trial, report


def test_a_plain_run_is_never_stopped() -> None:
    reporter = current_reporter()
    for step in range(3):
        reporter.report(step, float("nan"))
        assert not reporter.should_stop()


def test_report_in_a_plain_run_does_nothing() -> None:
    report(0.5, step=1)
    assert not is_trial()


def test_report_hands_step_and_value_over() -> None:
    reporter = Listener(10)
    with hand_over(reporter):
        report(1, step=1)
        report(0.5, step=2)
    assert reporter.heard == [(1, 1.0), (2, 0.5)]


def test_report_ends_the_job_that_should_stop() -> None:
    with hand_over(Listener(2)):
        report(0.5, step=1)
        with pytest.raises(optuna.TrialPruned, match=r"^pruned at step 2$"):
            report(0.5, step=2)


def test_a_trial_is_told_from_a_plain_run() -> None:
    with hand_over(Listener(1)):
        assert is_trial()


def test_the_reporter_before_comes_back() -> None:
    outer, inner = Listener(1), Listener(1)
    with hand_over(outer):
        with hand_over(inner):
            assert current_reporter() is inner
        assert current_reporter() is outer


def test_a_job_that_raises_leaves_no_reporter_behind() -> None:
    with pytest.raises(ZeroDivisionError, match="a bug"), hand_over(Listener(1)):
        raise ZeroDivisionError("a bug")
    assert not is_trial()
