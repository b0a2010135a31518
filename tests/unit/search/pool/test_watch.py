"""The watch over workers that hang: what ends one, what is only said, and what is left alone."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

import pytest
from optuna import Study
from optuna.trial import TrialState
from studies import Clock, abandoned, asked, opened, states

from tunesmith.search.attribute_names import HEARTBEAT, PROGRESS
from tunesmith.search.pool import watch
from tunesmith.search.pool.watch import TIMEOUT_GRACE_S, HangWatch
from tunesmith.search.study.owner import Owner, this_process
from tunesmith.search.study.retries import StaleTrials
from tunesmith.search.study.silence import SILENCE_S
from tunesmith.search.study.trial import Attempt


@dataclass
class Hung:
    """A worker of this process that does nothing."""

    name: str = "worker 0"
    kill_command: str = "kill -9 7"
    queued: bool = False
    owner: Owner = field(default_factory=this_process)
    cancelled: list[list[str]] = field(default_factory=list)
    study: Study | None = None

    def condition(self) -> str:
        return "pid 7, stopped"

    def owns(self, owner: Owner | None) -> bool:
        return owner is not None and replace(owner, folder=None) == self.owner

    def is_queued(self) -> bool:
        return self.queued

    def cancel(self) -> None:
        self.cancelled.append([] if self.study is None else states(self.study))


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_worker_whose_trial_is_over_time_is_ended_and_the_trial_has_failed(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    study = opened()
    trial = abandoned(study)
    hung, looks = Hung(study=study), HangWatch(lambda: study, 60.0, clock)
    looks.look(study.trials, [hung])
    clock.seconds += 60.0 + TIMEOUT_GRACE_S
    trial.set_user_attr(HEARTBEAT, 9)  # its thread goes on, and is no progress
    looks.look(study.trials, [hung])
    assert (states(study), hung.cancelled) == (["RUNNING"], [])
    clock.seconds += 1.0
    before = study.trials
    looks.look(before, [hung])
    looks.look(before, [hung])  # a view that is behind
    assert hung.cancelled == [["FAIL"]]  # told before the worker was ended
    assert Attempt(study.trials[0]).reason == "the trial took longer than hydra.sweeper.trial_timeout=60 s"
    assert capsys.readouterr().out == (
        "worker 0  trial   0  has not ended 30 s after hydra.sweeper.trial_timeout=60 s (pid 7, stopped); "
        "its worker is killed\n"
    )
    StaleTrials(study).end()
    assert states(study) == ["FAIL"]  # no retry, which would hang again


def test_a_trial_that_ends_at_the_last_moment_keeps_its_end_and_its_worker(clock: Clock) -> None:
    study = opened()
    trial = abandoned(study)
    hung, looks = Hung(), HangWatch(lambda: study, 60.0, clock)
    looks.look(before := study.trials, [hung])
    clock.seconds += 100.0
    study.tell(trial, 0.5)
    looks.look(before, [hung])
    assert (states(study), hung.cancelled) == (["COMPLETE"], [])


def test_a_worker_that_was_stopped_while_it_held_the_lock_is_ended_all_the_same(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "TELL_S", 0.05)
    study, is_free = opened(), threading.Event()
    abandoned(study)

    class Holder(Hung):
        def cancel(self) -> None:
            super().cancel()
            is_free.set()

    def reopen() -> Study:
        is_free.wait(30)
        return study

    monkeypatch.setattr(watch, "TELL_S", 0.2)
    hung, looks = Holder(study=study), HangWatch(reopen, 60.0, clock)
    looks.look(study.trials, [hung])
    clock.seconds += 100.0
    looks.look(study.trials, [hung])
    assert hung.cancelled == [["RUNNING"]]
    assert states(study) == ["FAIL"]


def test_the_trials_of_others_are_left_alone(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    study = opened()
    abandoned(study)
    other, looks = Hung(owner=Owner(pid=1)), HangWatch(lambda: study, 60.0, clock)
    for _ in range(3):
        looks.look(study.trials, [other])
        clock.seconds += 10 * SILENCE_S
    assert (states(study), other.cancelled, capsys.readouterr().out) == (["RUNNING"], [], "")


def test_without_a_limit_a_silent_trial_is_told_of_ever_more_seldom_and_goes_on(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    study = opened()
    trial = abandoned(study)
    hung, looks = Hung(), HangWatch(lambda: study, None, clock)
    for beat in range(3600 // 10):
        trial.set_user_attr(HEARTBEAT, beat)
        looks.look(study.trials, [hung])
        clock.seconds += 10.0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "worker 0  trial   0  no progress for 5 min (pid 7, stopped); if it hangs, kill -9 7 has it retried; "
        "hydra.sweeper.trial_timeout=SECONDS ends such a trial"
    )
    assert [line.split("for ")[1].split(" (")[0] for line in lines] == ["5 min", "10 min", "20 min", "40 min"]
    assert (states(study), hung.cancelled) == (["RUNNING"], [])


@pytest.mark.parametrize("sign", ["batches", "reports"])
def test_a_trial_that_gets_on_is_not_told_of(clock: Clock, capsys: pytest.CaptureFixture[str], sign: str) -> None:
    study = opened()
    trial = abandoned(study)
    looks = HangWatch(lambda: study, None, clock)
    for step in range(3, 9):
        trial.set_user_attr(PROGRESS, step) if sign == "batches" else trial.report(0.5, step)
        looks.look(study.trials, [Hung()])
        clock.seconds += SILENCE_S - 1.0
    assert capsys.readouterr().out == ""


def test_workers_that_never_begin_a_trial_are_told_of(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    study = opened()
    workers = [Hung(), Hung("worker 1"), Hung("worker 2", queued=True)]
    looks = HangWatch(lambda: study, 60.0, clock)
    for _ in range(2):
        looks.look(study.trials, workers)
        clock.seconds += SILENCE_S
    looks.look(study.trials, [workers[2]])  # nothing is said of what waits in a queue
    told = "no trial has begun for 5 min: worker 0 (pid 7, stopped), worker 1 (pid 7, stopped)\n"
    assert capsys.readouterr().out == told
    study.tell(asked(study), state=TrialState.FAIL)
    looks.look(study.trials, workers)
    assert capsys.readouterr().out == ""
