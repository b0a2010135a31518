"""The trials of a study train on the same data, unless their params choose the data."""

from __future__ import annotations

from typing import Any

import pytest
from optuna import Study, Trial
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState
from studies import asked, opened

from tunesmith.errors import UserError
from tunesmith.search.study.retries import requeue
from tunesmith.search.study.same_data import record_data
from tunesmith.search.study.trial import Attempt, State

ONE, OTHER = "1" * 32, "2" * 32


def of(study: Study, **params: Any) -> Trial:
    trial = asked(study)
    for key, value in params.items():
        study._storage.set_trial_param(trial._trial_id, key, value, CategoricalDistribution(("a", "b")))
    return Trial(study, trial._trial_id)


def test_the_same_data_is_recorded() -> None:
    study = opened()
    for _ in range(2):
        record_data(asked(study), ONE)
    assert [Attempt(trial).data_digest for trial in study.trials] == [ONE, ONE]


def test_other_data_is_refused_and_the_attempt_counts_for_nothing() -> None:
    study = opened()
    record_data(first := asked(study), ONE)
    study.tell(first, 0.5)
    trial = asked(study)
    with pytest.raises(
        UserError, match=r"^the data must stay the same in study study: trial 0 trained on 111111111111; "
    ):
        record_data(trial, OTHER)
    study.tell(trial, state=TrialState.FAIL)
    assert Attempt(study.trials[1]).state is State.SURPLUS
    record_data(asked(study), ONE)


def test_params_that_choose_data_may_bring_other_data() -> None:
    study = opened()
    record_data(of(study, data=0), ONE)
    record_data(of(study, data=1), OTHER)
    with pytest.raises(UserError, match="trial 1 trained on 222222222222; got 111111111111"):
        record_data(of(study, data=1), ONE)


def test_a_retry_with_other_data_stays_to_be_retried() -> None:
    study = opened()
    record_data(asked(study), ONE)
    record_data(lost := asked(study), ONE)
    requeue(study, lost.number)
    retry = asked(study)
    with pytest.raises(UserError, match="the data must stay the same"):
        record_data(retry, OTHER)
    requeue(study, retry.number)
    assert [Attempt(trial).state for trial in study.trials[2:]] == [State.LOST, State.WAITING]
    record_data(asked(study), ONE)
