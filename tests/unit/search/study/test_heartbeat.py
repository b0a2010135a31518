"""Heartbeats: one thread beats for all attempts of a worker, and notices an attempt that was taken away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from optuna import Study
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from studies import Clock, asked, opened

from tunesmith.search.attribute_names import HEARTBEAT
from tunesmith.search.storage.storage import open_journal
from tunesmith.search.study.heartbeat import ASK_INTERVAL_S, Heartbeats
from tunesmith.search.study.trial import Attempt

INTERVAL_S = 0.01


class Flaky(InMemoryStorage):
    """Does not answer the first heartbeats."""

    failures = 0

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        if key == HEARTBEAT and self.failures < 3:
            self.failures += 1
            raise OSError("the network is gone")
        super().set_trial_user_attr(trial_id, key, value)


def heartbeats(study: Study) -> list[int]:
    return [Attempt(trial).heartbeat or 0 for trial in study.trials]


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(INTERVAL_S / 2)


def test_all_attempts_of_a_worker_beat_from_one_thread_until_they_are_removed() -> None:
    study = opened()
    first, second, _ = asked(study), asked(study), asked(study)
    beats, before = Heartbeats(study, INTERVAL_S), threading.active_count()
    with beats.run():
        beats.add(first)
        beats.add(second)
        wait_until(lambda: min(heartbeats(study)[:2]) >= 3)
        assert threading.active_count() == before + 1
        beats.remove(second.number)
        last = heartbeats(study)
        wait_until(lambda: heartbeats(study)[0] > last[0] + 1)
    assert heartbeats(study)[1:] == [last[1], 0]
    assert threading.active_count() == before
    assert not beats.is_taken(first.number)


@pytest.mark.parametrize("is_journal", [False, True], ids=["memory", "journal"])
def test_an_attempt_that_another_worker_has_ended_is_noticed(tmp_path: Path, is_journal: bool) -> None:
    study = opened(open_journal(tmp_path / "study.journal") if is_journal else InMemoryStorage())
    first, second = asked(study), asked(study)
    beats = Heartbeats(study, INTERVAL_S)
    beats.add(first)
    beats.add(second)
    with beats.run():
        study.tell(first.number, state=TrialState.FAIL)
        wait_until(lambda: beats.is_taken(first.number))
        before = heartbeats(study)
        wait_until(lambda: heartbeats(study)[1] > before[1])
    assert not beats.is_taken(second.number)
    assert heartbeats(study)[0] == before[0]


def test_a_beat_is_one_append_to_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "study.journal"
    study = opened(open_journal(path))
    beats = Heartbeats(study, INTERVAL_S)
    for _ in range(5):
        beats.add(asked(study))
    num_locks = 0
    locked = type(study._storage._backend)._lock  # type: ignore[attr-defined]

    def counted(self: object) -> object:
        nonlocal num_locks
        num_locks += 1
        return locked(self)

    monkeypatch.setattr(type(study._storage._backend), "_lock", counted)  # type: ignore[attr-defined]
    before = len(path.read_text().splitlines())
    with beats.run():
        wait_until(lambda: len(path.read_text().splitlines()) > before)
    appended = len(path.read_text().splitlines()) - before
    assert (appended % 5, num_locks) == (0, appended // 5)


def test_a_storage_that_does_not_answer_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    study = opened(Flaky())
    beats = Heartbeats(study, INTERVAL_S)
    beats.add(asked(study))
    with beats.run():
        wait_until(lambda: heartbeats(study) > [3])
    assert not beats.is_taken(0)
    warning = "no heartbeat could be written for trial 0: the network is gone"
    assert [record.getMessage() for record in caplog.records if record.name.startswith("tunesmith")] == [warning] * 3


def test_an_error_in_the_worker_ends_the_thread() -> None:
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError, match="a bug"), Heartbeats(opened(), INTERVAL_S).run():
        raise ZeroDivisionError("a bug")
    assert threading.active_count() == before


def test_a_beat_is_no_progress_and_the_runs_own_word_stands_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "study.journal"
    study = opened(open_journal(path))
    trial, done = asked(study), [0]
    beats = Heartbeats(study, INTERVAL_S)
    beats.add(trial)
    beats.follow(trial.number, lambda: done[0])
    with beats.run():
        wait_until(lambda: heartbeats(study) > [3])
        before = Attempt(study.trials[0]).progress
        done[0] = 7
        wait_until(lambda: Attempt(study.trials[0]).progress != before)
        last = heartbeats(study)[0]
        wait_until(lambda: heartbeats(study)[0] > last + 3)
    assert (before, Attempt(study.trials[0]).progress) == ((None, 0), (7, 0))
    assert path.read_text().count('"progress"') == 1  # written when it has changed


@pytest.mark.parametrize("seconds", [ASK_INTERVAL_S - 1, ASK_INTERVAL_S + 1])
def test_a_process_that_was_stopped_looks_whether_its_attempt_was_taken_before_it_goes_on(seconds: float) -> None:
    study, clock = opened(), Clock()
    trial = asked(study)
    beats = Heartbeats(study, 3600.0, clock)  # its thread will not beat soon
    beats.add(trial)
    with beats.run():
        study.tell(trial.number, state=TrialState.FAIL)
        clock.seconds += seconds
        assert beats.is_taken(trial.number) is (seconds > ASK_INTERVAL_S)


def test_a_process_that_nobody_watches_tells_which_trial_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunesmith.search.study.silence.SILENCE_S", 0.1)
    told: list[int] = []
    study = opened()
    first, second, done = asked(study), asked(study), iter(range(10**9))
    beats = Heartbeats(study, INTERVAL_S, tell_silence=lambda number, seconds: told.append(number))
    for trial, progress in ((first, lambda: 5), (second, lambda: next(done))):
        beats.add(trial)
        beats.follow(trial.number, progress)
    with beats.run():
        wait_until(lambda: len(told) > 1)
    assert set(told) == {first.number}
