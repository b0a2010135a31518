"""A database that does not answer for a while."""

from __future__ import annotations

import time

import optuna
import pytest
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from sqlalchemy.exc import DataError, OperationalError

from tunesmith.search.storage import reconnecting
from tunesmith.search.storage.reconnecting import ReconnectingStorage, StorageLost, clock_of
from tunesmith.search.study.budget import ask
from tunesmith.search.study.retries import StaleTrials


class Restarting(InMemoryStorage):
    """Fails so many times, as RDBStorage does while its database is down."""

    silent = 0

    def get_all_trials(self, *arguments: object, **named: object) -> list[optuna.trial.FrozenTrial]:
        if self.silent:
            self.silent -= 1
            raise down()
        return super().get_all_trials(*arguments, **named)  # type: ignore[arg-type]


def down(cause: Exception | None = None) -> StorageInternalError:
    error = StorageInternalError("An exception is raised during the commit.")
    error.__cause__ = cause or OperationalError("SELECT 1", {}, Exception())
    error.__cause__.__cause__ = Exception("the server is starting up")  # the driver's
    return error


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnecting, "POLL_INTERVAL_S", 0.02)


@pytest.fixture
def inner() -> Restarting:
    return Restarting()


def study_on(inner: Restarting, seconds: float = 60.0) -> optuna.Study:
    return optuna.create_study(storage=ReconnectingStorage(inner, "db://me:***@host", seconds))  # type: ignore[arg-type]


def test_a_call_is_made_again_until_the_database_answers(inner: Restarting, capsys: pytest.CaptureFixture[str]) -> None:
    study = study_on(inner)
    study.tell(study.ask(), 0.5)
    inner.silent = 3
    assert [trial.value for trial in study.get_trials()] == [0.5]
    waiting, again = capsys.readouterr().out.splitlines()
    assert waiting == "db://me:***@host does not answer; waiting for it up to 60 s"
    assert again.startswith("db://me:***@host answers again after 0.")


def test_after_its_time_it_is_lost_and_no_later_call_waits(inner: Restarting) -> None:
    study = study_on(inner, seconds=0.3)
    inner.silent = 1000
    message = r"^hydra\.sweeper\.storage must answer; got 'db://me:\*\*\*@host', silent for 0\.3 s: the server is start"
    with pytest.raises(StorageLost, match=message):
        study.get_trials()
    since = time.monotonic()
    with pytest.raises(StorageLost):
        study.get_trials()
    assert time.monotonic() - since < 0.2


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(down(DataError("INSERT", {}, Exception("too long"))), id="refused data"),
        pytest.param(UpdateFinishedTrialError("trial 0 is over"), id="a trial that is over"),
    ],
)
def test_what_the_database_refuses_is_not_asked_again(inner: Restarting, error: Exception) -> None:
    calls = []

    def refuse() -> None:
        calls.append(1)
        raise error

    inner.get_all_studies = refuse  # type: ignore[assignment, method-assign]
    with pytest.raises(type(error), match=str(error)):
        ReconnectingStorage(inner, "db").get_all_studies()
    assert len(calls) == 1


def test_the_clock_stands_still_while_the_database_is_silent(inner: Restarting) -> None:
    study = study_on(inner)
    clock = clock_of(study._storage)
    before, since = clock(), time.monotonic()
    inner.silent = 10
    study.get_trials()
    assert time.monotonic() - since > 0.2
    assert clock() - before < 0.1


def test_another_storage_has_the_clock_of_the_machine(inner: Restarting) -> None:
    assert clock_of(inner) is time.monotonic


def test_workers_elsewhere_are_not_lost_by_a_silence(inner: Restarting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunesmith.search.study.retries.HEARTBEAT_TIMEOUT_S", 0.2)
    study = study_on(inner)
    trial = ask(study, 5)
    assert trial is not None
    trial.set_user_attr("owner", {**trial.user_attrs["owner"], "machine": "another one", "boot": "another"})
    stale = StaleTrials(study)
    assert stale.end() == []
    inner.silent = 20  # longer than a lease
    study.get_trials()
    assert stale.end() == []
    time.sleep(0.25)  # an answering storage, and still no renewal
    assert stale.end() == [0]
    assert [trial.state for trial in study.trials] == [TrialState.FAIL]
