"""Counts of a study's trials, and when its failures are too many."""

from __future__ import annotations

import os
import re

import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial
from studies import asked, fail, opened

from tunesmith.errors import UserError
from tunesmith.search.attribute_names import REASON, SURPLUS
from tunesmith.search.study.counts import (
    COUNTS_BEFORE,
    Counts,
    check_failure_rate,
    count,
    count_before,
    is_over,
    to_environment,
)
from tunesmith.search.study.owner import WORKER
from tunesmith.search.study.retries import requeue
from tunesmith.search.study.trial import Attempt, State


@pytest.mark.parametrize(
    ("trial", "counted", "lost"),
    [
        pytest.param(create_trial(value=0.5), True, False, id="complete"),
        pytest.param(create_trial(state=TrialState.PRUNED), True, False, id="pruned"),
        pytest.param(create_trial(state=TrialState.FAIL, user_attrs={REASON: "a bug"}), True, False, id="failed"),
        pytest.param(create_trial(state=TrialState.FAIL), False, True, id="lost"),
        pytest.param(create_trial(state=TrialState.FAIL, user_attrs={SURPLUS: True}), False, False, id="withdrawn"),
        pytest.param(create_trial(state=TrialState.RUNNING), False, False, id="running"),
        pytest.param(create_trial(state=TrialState.WAITING), False, False, id="waiting"),
    ],
)
def test_what_counts(trial: FrozenTrial, counted: bool, lost: bool) -> None:
    assert (Attempt(trial).state.is_counted, Attempt(trial).state == State.LOST) == (counted, lost)
    assert is_over([trial], 1) == counted


def test_counts() -> None:
    study = opened()
    study.tell(asked(study), 0.5)
    study.tell(asked(study), state=TrialState.PRUNED)
    fail(study, asked(study))
    requeue(study, asked(study).number)
    study.tell(asked(study), 0.5)  # the lost one's retry
    asked(study)
    assert count(study.trials) == Counts(complete=2, pruned=1, failed=1, lost=1)
    assert count(study.trials).counted == 4
    assert [is_over(study.trials, n_trials) for n_trials in (3, 4, 5)] == [True, True, False]


def counts(complete: int, failed: int) -> Counts:
    return Counts(complete=complete, pruned=0, failed=failed, lost=9)


@pytest.mark.parametrize(
    ("complete", "failed", "rate"),
    [
        pytest.param(0, 4, 0.0, id="too few to judge"),
        pytest.param(3, 3, 0.5, id="the rate itself"),
        pytest.param(0, 9, 1.0, id="all may fail"),
        pytest.param(9, 0, 0.0, id="none has failed"),
    ],
)
def test_few_enough(complete: int, failed: int, rate: float) -> None:
    check_failure_rate(counts(complete, failed), rate)


@pytest.mark.parametrize(
    ("complete", "failed", "rate"),
    [pytest.param(2, 3, 0.5, id="from the fifth on"), pytest.param(9, 1, 0.0, id="none may fail")],
)
def test_too_many(complete: int, failed: int, rate: float) -> None:
    message = f"hydra.sweeper.max_failure_rate={rate} is exceeded: {failed} of {complete + failed} trials failed; "
    with pytest.raises(UserError, match=f"^{re.escape(message)}trials.csv has the reasons; once the cause is mended,"):
        check_failure_rate(counts(complete, failed), rate)


def test_too_many_failures_say_why_the_last_one_failed() -> None:
    trials = [create_trial(state=TrialState.FAIL, user_attrs={REASON: reason}) for reason in ("a bug", "another")]
    with pytest.raises(UserError, match=r": 5 of 5 trials failed; the last one with: another; trials\.csv has"):
        check_failure_rate(counts(complete=0, failed=5), 0.5, trials=[*trials, create_trial(value=1.0)])


def test_a_call_is_judged_by_the_trials_that_ended_in_it() -> None:
    before = counts(complete=3, failed=7)
    check_failure_rate(counts(complete=3, failed=11), 0.5, before)
    check_failure_rate(counts(complete=20, failed=20), 0.5, before)
    with pytest.raises(UserError, match=r"^hydra.*=0\.5 is exceeded: 4 of 5 trials failed in this call; trials\.csv"):
        check_failure_rate(counts(complete=4, failed=11), 0.5, before)


@pytest.mark.parametrize(
    ("worker", "pid", "is_inherited"),
    [
        pytest.param("0", 1, True, id="by a worker"),
        pytest.param(None, os.getpid(), True, id="by the fresh process that execv makes of this one"),
        pytest.param(None, 1, False, id="not by another command of the same shell"),
    ],
)
def test_what_had_ended_before_a_call_is_inherited(
    monkeypatch: pytest.MonkeyPatch, worker: str | None, pid: int, is_inherited: bool
) -> None:
    variables = to_environment(Counts(complete=1, pruned=2, failed=3, lost=4))
    monkeypatch.setenv(COUNTS_BEFORE, variables[COUNTS_BEFORE].replace(str(os.getpid()), str(pid)))
    if worker is not None:
        monkeypatch.setenv(WORKER, worker)
    assert count_before([create_trial(value=0.5)]) == (Counts(1, 2, 3, 4) if is_inherited else Counts(complete=1))


def test_without_a_word_of_another_process_the_study_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(COUNTS_BEFORE, raising=False)
    assert count_before([create_trial(value=0.5)]) == Counts(complete=1)
