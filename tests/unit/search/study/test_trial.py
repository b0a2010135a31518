"""What an attempt carries: the typed view of Optuna's trial."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from tunesmith.search.attribute_names import EPOCHS, FIRST_ATTEMPT, OWNER
from tunesmith.search.study.owner import Owner
from tunesmith.search.study.trial import Attempt, State

MINIMIZE, MAXIMIZE = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE


def trial_of(value: float | None = None, state: TrialState = TrialState.COMPLETE, *reported: float) -> FrozenTrial:
    return create_trial(state=state, value=value, intermediate_values=dict(enumerate(reported, start=1)))


@pytest.mark.parametrize(
    ("attrs", "name"),
    [
        pytest.param({}, "3", id="a first attempt"),
        pytest.param({FIRST_ATTEMPT: 1}, "1", id="a later one"),
        *(
            pytest.param({FIRST_ATTEMPT: odd}, "3", id=str(odd))
            for odd in ("../../x", "1/../x", "1", -1, 4, 10**40, 1.0, True, None, [1], {"a": 1})
        ),
    ],
)
def test_all_attempts_have_the_folder_of_the_first(attrs: dict[str, object], name: str) -> None:
    trial = create_trial(value=0.5, user_attrs=attrs)
    trial.number = 3
    assert Attempt(trial).folder_name == name


@pytest.mark.parametrize(
    ("trial", "direction", "value"),
    [
        pytest.param(trial_of(0.5, TrialState.COMPLETE, 0.1), MINIMIZE, 0.5, id="complete: what it returned"),
        pytest.param(trial_of(None, TrialState.PRUNED, 0.3, 0.1, 0.2), MINIMIZE, 0.1, id="pruned, min: its least"),
        pytest.param(trial_of(None, TrialState.PRUNED, 0.1, 0.3, 0.2), MAXIMIZE, 0.3, id="pruned, max: its most"),
        pytest.param(trial_of(None, TrialState.PRUNED), MINIMIZE, None, id="pruned before a report"),
        pytest.param(trial_of(None, TrialState.FAIL, 0.1), MINIMIZE, None, id="failed"),
    ],
)
def test_trial_value(trial: FrozenTrial, direction: StudyDirection, value: float | None) -> None:
    assert Attempt(trial).value(direction) == value


@pytest.mark.parametrize(
    ("attrs", "epochs"),
    [
        pytest.param({}, 3, id="a report is an epoch"),
        pytest.param({EPOCHS: 70}, 70, id="unless its step took more of them"),
    ],
)
def test_epochs_of_a_trial(attrs: dict[str, int], epochs: int) -> None:
    trial = create_trial(value=0.1, intermediate_values={1: 0.3, 2: 0.2, 3: 0.1}, user_attrs=attrs)
    assert Attempt(trial).epochs == epochs


def test_an_attempt_as_version_0_1_0_wrote_it() -> None:
    owner = {"host": "h", "machine": "m", "pid": 7, "started": 1.5, "worker": 2, "job": None, "folder": "/studies/a"}
    attributes = {
        **{"owner": owner, "lease": 12, "reason": "out of memory", "mistake": "no such key", "epochs": 40},
        **{"first_attempt": 3, "retry_of": 5, "deaths": 1},
    }
    trial = create_trial(state=TrialState.FAIL, user_attrs=attributes)
    trial.number = 9
    attempt = Attempt(trial)
    assert attempt.owner == Owner("h", "m", 7, 1.5, 2, None, "/studies/a")
    assert (attempt.number, attempt.state, attempt.host, attempt.heartbeat) == (9, State.FAILED, "h", 12)
    assert (attempt.reason, attempt.config_error, attempt.epochs) == ("out of memory", "no such key", 40)
    assert (attempt.first_attempt, attempt.is_retry, attempt.retry_of, attempt.crashes) == (3, True, 5, 1)
    assert not attempt.is_surplus


def test_an_attempt_that_carries_nothing() -> None:
    trial = create_trial(state=TrialState.FAIL)
    trial.number = 4
    attempt = Attempt(trial)
    assert (attempt.owner, attempt.host, attempt.heartbeat, attempt.reason, attempt.config_error) == (None,) * 5
    assert (attempt.first_attempt, attempt.is_retry, attempt.retry_of, attempt.crashes) == (4, False, None, 0)


@pytest.mark.parametrize(
    ("folder", "seen"),
    [
        pytest.param(None, "0", id="no folder is known"),
        pytest.param("here", "0", id="in the study's folder"),
        pytest.param("elsewhere", "{}/elsewhere/0", id="in another folder"),
    ],
)
def test_a_trials_folder_is_named_as_seen_from_the_studys(tmp_path: Path, folder: str | None, seen: str) -> None:
    owner = Owner().to_attribute(folder and tmp_path / folder)
    trial = create_trial(value=0.5, user_attrs={OWNER: owner, FIRST_ATTEMPT: 0})
    trial.number = 1
    attempt = Attempt(trial)
    assert attempt.trial_folder(tmp_path / "here") == seen.format(tmp_path)


def test_an_attempt_in_which_the_clock_was_set_back_took_no_time() -> None:
    trial = create_trial(state=TrialState.COMPLETE, value=0.5)
    trial.datetime_start = datetime(2026, 1, 1, 12)
    trial.datetime_complete = trial.datetime_start - timedelta(hours=1)
    assert Attempt(trial).seconds == 0.0
