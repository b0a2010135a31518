"""Counts of a study's trials, and when its failures are too many."""

from __future__ import annotations

import re

import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial
from studies import asked, fail, opened

from tunesmith.errors import UserError
from tunesmith.search.study.counts import Counts, check_failure_rate, count, is_over
from tunesmith.search.study.retries import requeue
from tunesmith.search.study.trial import REASON, SURPLUS, Attempt, State


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
    with pytest.raises(UserError, match=f"^{re.escape(message)}trials.csv has the reasons$"):
        check_failure_rate(counts(complete, failed), rate)
