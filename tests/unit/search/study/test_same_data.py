"""The trials of a study train on the same data, unless their params choose the data."""

from __future__ import annotations

from typing import Any

import pytest
from optuna import Trial
from optuna.distributions import CategoricalDistribution
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from studies import asked, opened

from tunesmith.errors import UserError
from tunesmith.search.space.space import parse_space
from tunesmith.search.study.config_record import Base, ConfigRecord
from tunesmith.search.study.retries import requeue
from tunesmith.search.study.same_data import record_data
from tunesmith.search.study.study_of_space import StudyOfSpace
from tunesmith.search.study.trial import Attempt, State

ONE, OTHER = "1" * 32, "2" * 32


def of(study: StudyOfSpace, **params: Any) -> Trial:
    trial = asked(study)
    for key, value in params.items():
        study._storage.set_trial_param(trial._trial_id, key, value, CategoricalDistribution((0, 1)))
    return Trial(study, trial._trial_id)


def test_the_same_data_is_recorded() -> None:
    study = opened()
    for _ in range(2):
        record_data(study, asked(study), ONE)
    assert [Attempt(trial).data_digest for trial in study.trials] == [ONE, ONE]


def test_other_data_is_refused_and_the_attempt_counts_for_nothing() -> None:
    study = opened()
    record_data(study, first := asked(study), ONE)
    study.tell(first, 0.5)
    trial = asked(study)
    with pytest.raises(
        UserError, match=r"^the data must stay the same in study study: trial 0 trained on 11111111\.\.\.; "
    ):
        record_data(study, trial, OTHER)
    study.tell(trial, state=TrialState.FAIL)
    assert Attempt(study.trials[1]).state is State.SURPLUS
    record_data(study, asked(study), ONE)


def test_params_that_choose_data_may_bring_other_data() -> None:
    study = opened()
    record_data(study, of(study, data=0), ONE)
    record_data(study, of(study, data=1), OTHER)
    with pytest.raises(UserError, match=r"trial 1 trained on 22222222\.\.\.; got 11111111\.\.\."):
        record_data(study, of(study, data=1), ONE)


def test_a_retry_with_other_data_stays_to_be_retried() -> None:
    study = opened()
    record_data(study, asked(study), ONE)
    record_data(study, lost := asked(study), ONE)
    requeue(study, lost.number)
    retry = asked(study)
    with pytest.raises(UserError, match="the data must stay the same"):
        record_data(study, retry, OTHER)
    requeue(study, retry.number)
    assert [Attempt(trial).state for trial in study.trials[2:]] == [State.LOST]
    record_data(study, asked(study), ONE)


def study_of(record: ConfigRecord, storage: InMemoryStorage) -> StudyOfSpace:
    study = opened(storage, space=parse_space({}, [f"{key}=0,1" for key in record.swept]), record=record)
    record.write(study)
    return study


@pytest.mark.parametrize(
    ("key", "data", "is_free"),
    [
        pytest.param("where", {"path": "${where}"}, True, id="a key that the data reads"),
        pytest.param("seed", {"path": "a.csv"}, False, id="a key that it does not read"),
        pytest.param("data.path", {"path": "a.csv"}, True, id="a key of the data"),
    ],
)
def test_a_key_that_the_data_reads_chooses_it(key: str, data: dict[str, Any], is_free: bool) -> None:
    study = study_of(ConfigRecord((key,), (Base({}, {"data": data}),)), InMemoryStorage())
    record_data(study, of(study, **{key: 0}), ONE)
    other = of(study, **{key: 1})
    if is_free:
        record_data(study, other, OTHER)
        return
    with pytest.raises(UserError, match="the data must stay the same"):
        record_data(study, other, OTHER)


def test_data_that_was_fixed_is_a_choice_when_it_varies() -> None:
    storage = InMemoryStorage()
    fixed = study_of(ConfigRecord((), (Base({}, {"data": {"path": 0}}),)), storage)
    record_data(fixed, asked(fixed), ONE)
    study = study_of(ConfigRecord(("data.path",), (Base({}, {"data": {"path": 0}}),)), storage)
    record_data(study, of(study, **{"data.path": 1}), OTHER)
    with pytest.raises(UserError, match=r"trial 0 trained on 11111111\.\.\.; got 22222222\.\.\."):
        record_data(study, of(study, **{"data.path": 0}), OTHER)
