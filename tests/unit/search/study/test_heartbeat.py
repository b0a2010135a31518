"""The lease: renewed while a trial runs, and a trial that was taken away is noticed."""

from __future__ import annotations

import threading
import time
from typing import Any

import optuna
import pytest
from optuna import Trial
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState

from tunesmith.search.study.heartbeat import Lease
from tunesmith.search.study.study import HEARTBEAT

SECONDS = 0.01


class Flaky(InMemoryStorage):
    """Does not answer the first renewals."""

    failures = 0

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        if key == HEARTBEAT and self.failures < 3:
            self.failures += 1
            raise OSError("the network is gone")
        super().set_trial_user_attr(trial_id, key, value)


def trial_in(storage: InMemoryStorage) -> Trial:
    return optuna.create_study(storage=storage).ask()


def renewals(trial: Trial) -> int:
    return int(trial.study.trials[trial.number].user_attrs.get(HEARTBEAT, 0))


def wait_until(condition: Any) -> None:
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until
        time.sleep(SECONDS / 2)


def test_a_lease_is_renewed_while_it_is_held_and_no_longer() -> None:
    trial = trial_in(InMemoryStorage())
    lease = Lease()
    with lease.held(trial, SECONDS):
        wait_until(lambda: renewals(trial) >= 3)
    last = renewals(trial)
    time.sleep(5 * SECONDS)
    assert (renewals(trial), lease.is_taken) == (last, False)
    assert threading.active_count() == 1


def test_a_trial_that_another_worker_has_ended_is_noticed() -> None:
    trial = trial_in(InMemoryStorage())
    lease = Lease()
    with lease.held(trial, SECONDS):
        trial.study.tell(trial.number, state=TrialState.FAIL)
        wait_until(lambda: lease.is_taken)
    assert threading.active_count() == 1  # it does not go on renewing


def test_a_storage_that_does_not_answer_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    trial = trial_in(Flaky())
    lease = Lease()
    with lease.held(trial, SECONDS):
        wait_until(lambda: renewals(trial) > 3)
    assert not lease.is_taken
    warning = "the lease of trial 0 could not be renewed: the network is gone"
    assert [record.getMessage() for record in caplog.records if record.name == "tunesmith.search.study.heartbeat"] == [
        warning
    ] * 3


def test_an_error_of_the_trial_ends_the_renewals() -> None:
    trial = trial_in(InMemoryStorage())
    with pytest.raises(ZeroDivisionError, match="a bug"), Lease().held(trial, SECONDS):
        raise ZeroDivisionError("a bug")
    assert threading.active_count() == 1
