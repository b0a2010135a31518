"""Attempts that end through no fault of their own: requeued, or found stale, and retried."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from optuna import Study
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from studies import ELSEWHERE, Clock, OvertakenStorage, abandoned, asked, opened, owned, states

from tunesmith.search.storage.storage import open_journal
from tunesmith.search.study.budget import ask
from tunesmith.search.study.counts import Counts, count
from tunesmith.search.study.heartbeat import HEARTBEAT_TIMEOUT_S
from tunesmith.search.study.owner import Owner, this_process
from tunesmith.search.study.retries import CLAIM_TIMEOUT_S, StaleTrials, requeue, requeue_own, was_requeued
from tunesmith.search.study.study import tell
from tunesmith.search.study.trial import HEARTBEAT, OWNER, REASON, SURPLUS, Attempt

ASK_REPORT_AND_DIE = """
import os, sys
from pathlib import Path
from optuna.pruners import NopPruner
from tunesmith.search.study.budget import ask
from tunesmith.search.space.space import parse_space
from tunesmith.search.storage.storage import open_journal
from tunesmith.search.study.study import open_study
space = parse_space({}, ["x=interval(0,1)"])
trial = ask(open_study(open_journal(Path(sys.argv[1])), "study", "min", NopPruner(), space), 10)
space.dimensions["x"].suggest(trial)
trial.report(0.5, 1)
trial.report(0.4, 2)
os._exit(9)
"""


@pytest.fixture
def study() -> Study:
    return opened()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def dead() -> Owner:
    """An owner whose process has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return replace(this_process(), pid=process.pid)


def retry_stale(study: Study, max_retries: int = 2) -> list[int]:
    return StaleTrials(study, max_retries).retry()


# attempts that are requeued


def test_a_trial_requeued_is_queued_as_it_was(study: Study) -> None:
    trial = abandoned(study)
    assert requeue(study, trial.number)
    retry = asked(study)
    assert retry.suggest_float("x", 0, 1) == trial.params["x"]
    assert study.trials[1].intermediate_values == {1: 0.5, 2: 0.4}


def test_a_finished_trial_cannot_be_requeued(study: Study) -> None:
    trial = asked(study)
    study.tell(trial, 0.5)
    assert not requeue(study, trial.number)
    assert states(study) == ["COMPLETE"]


def test_an_attempt_is_ended_by_the_first_that_tells(study: Study) -> None:
    trial = asked(study)
    assert [tell(study, trial.number, TrialState.COMPLETE, 0.5), tell(study, trial.number, TrialState.FAIL)] == [
        True,
        False,
    ]
    assert states(study) == ["COMPLETE"]


def test_an_attempt_whose_failure_was_written_down_has_failed(study: Study, dead: Owner) -> None:
    """Interrupted, or killed, between the reason and its end."""
    for end in (lambda number: requeue(study, number), lambda number: retry_stale(study)):
        trial = owned(study, dead)
        trial.set_user_attr(REASON, "val/loss was nan")
        end(trial.number)
    assert states(study) == ["FAIL", "FAIL"]
    assert count(study.trials) == Counts(complete=0, pruned=0, failed=2, lost=0)


def test_requeued_attempts_are_no_crashes(study: Study, dead: Owner) -> None:
    for _ in range(4):
        requeue(study, asked(study).number)
    owned(study, dead)
    retry_stale(study, max_retries=1)
    assert states(study)[-1] == "WAITING"
    requeue(study, asked(study).number)
    owned(study, dead)
    retry_stale(study, max_retries=1)
    assert ask(study, 1) is None
    assert study.trials[-1].user_attrs[REASON].startswith("its process ended 2 times")


def test_a_process_requeues_what_it_has_left_running(study: Study, dead: Owner) -> None:
    study.tell(asked(study), 0.5)
    asked(study)
    owned(study, dead)
    owned(study, ELSEWHERE)
    requeue_own(study)
    assert states(study) == ["COMPLETE", "FAIL", "RUNNING", "RUNNING", "WAITING"]
    assert was_requeued(study.trials, 1)


def test_what_was_requeued_is_told_from_what_was_lost(study: Study, dead: Owner) -> None:
    requeue(study, asked(study).number)
    owned(study, dead)
    retry_stale(study)
    requeue(study, asked(study).number)
    study.tell(asked(study), 0.5)
    assert [was_requeued(study.trials, number) for number in range(4)] == [True, False, True, False]


# attempts of a process that is gone


def test_a_trial_of_a_dead_process_is_queued_again_as_it_was(study: Study, dead: Owner) -> None:
    lost = abandoned(study, dead)
    assert retry_stale(study) == [0]
    retry = asked(study)
    assert (retry.number, retry.suggest_float("x", 0, 1)) == (1, lost.params["x"])
    assert study.trials[1].intermediate_values == {1: 0.5, 2: 0.4}


def test_a_lost_trial_is_retried_once(study: Study, dead: Owner) -> None:
    abandoned(study, dead)
    assert [retry_stale(study), retry_stale(study)] == [[0], []]
    assert states(study) == ["FAIL", "WAITING"]


def test_two_openers_heal_a_trial_once(tmp_path: Path, dead: Owner) -> None:
    studies = [opened(open_journal(tmp_path / "study.journal")) for _ in range(2)]
    abandoned(studies[0], dead)
    assert [retry_stale(study) for study in studies] == [[0], []]
    assert states(studies[0]) == ["FAIL", "WAITING"]


def test_a_retry_that_is_lost_too_keeps_the_folder_of_the_first_attempt(study: Study, dead: Owner) -> None:
    abandoned(study, dead)
    retry_stale(study)
    owned(study, dead)
    assert retry_stale(study) == [1]
    assert [Attempt(trial).folder_name for trial in study.trials] == ["0", "0", "0"]


def test_a_trial_of_its_own_has_its_own_folder(study: Study) -> None:
    assert [Attempt(asked(study)).folder_name for _ in range(2)] == ["0", "1"]


def test_a_trial_of_a_live_process_is_left_alone(study: Study, clock: Clock) -> None:
    asked(study)
    stale = StaleTrials(study, 2, clock)
    for _ in range(2):
        assert stale.retry() == []
        clock.seconds += 2 * HEARTBEAT_TIMEOUT_S
    assert states(study) == ["RUNNING"]


def test_a_trial_of_a_killed_process_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "study.journal"
    assert subprocess.run([sys.executable, "-c", ASK_REPORT_AND_DIE, str(path)], check=False).returncode == 9
    study = opened(open_journal(path))
    assert retry_stale(study) == [0]
    asked(study)
    lost, retry = study.trials
    assert (retry.params, retry.intermediate_values) == (lost.params, {1: 0.5, 2: 0.4})


@pytest.mark.parametrize(
    ("max_retries", "final"),
    [
        pytest.param(0, ["FAIL", "FAIL"], id="0"),
        pytest.param(1, ["FAIL", "FAIL", "FAIL"], id="1"),
        pytest.param(2, ["FAIL", "FAIL", "FAIL", "FAIL"], id="2"),
    ],
)
def test_after_max_retries_a_trial_has_failed(study: Study, dead: Owner, max_retries: int, final: list[str]) -> None:
    drawn = abandoned(study, dead).params["x"]
    retry_stale(study, max_retries)
    for _ in range(max_retries):
        owned(study, dead, n_trials=1)
        retry_stale(study, max_retries)
    assert ask(study, 1) is None
    *_, last = study.trials
    assert states(study) == final
    assert count(study.trials) == Counts(complete=0, pruned=0, failed=1, lost=max_retries + 1)
    deaths = max_retries + 1
    assert last.user_attrs[REASON] == (
        f"its process ended {deaths} times (killed, out of memory?); hydra.sweeper.max_retries={max_retries}"
    )
    assert (last.params["x"], Attempt(last).folder_name) == (drawn, "0")


# what is known only after a while, by this process's own clock


def retried_after(study: Study, clock: Clock, *seconds: float) -> list[list[int]]:
    """What one healer finds at once, and each so many seconds later."""
    stale = StaleTrials(study, 2, clock)
    found = [stale.retry()]
    for wait in seconds:
        clock.seconds += wait
        found.append(stale.retry())
    return found


def test_a_trial_that_nobody_has_signed_is_lost_when_it_was_seen_so_for_a_while(study: Study, clock: Clock) -> None:
    study.add_trial(create_trial(state=TrialState.RUNNING))
    assert retried_after(study, clock, CLAIM_TIMEOUT_S - 1, 2.0) == [[], [], [0]]
    assert states(study) == ["FAIL", "WAITING"]


def test_a_trial_that_is_signed_meanwhile_is_not_lost(study: Study, clock: Clock) -> None:
    trial = study.ask()
    stale = StaleTrials(study, 2, clock)
    stale.retry()
    clock.seconds += CLAIM_TIMEOUT_S - 1
    stale.retry()
    trial.set_user_attr(OWNER, this_process().to_attribute(None))
    clock.seconds += CLAIM_TIMEOUT_S
    assert stale.retry() == []


def test_whoever_signs_too_late_asks_again(study: Study) -> None:
    class Late(InMemoryStorage):
        def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
            if key == OWNER and trial_id == 0 and late.trials[0].state == TrialState.RUNNING:
                tell(late, 0, TrialState.FAIL)  # another worker's doing
            super().set_trial_user_attr(trial_id, key, value)

    late = opened(Late())
    assert asked(late).number == 1


def test_a_lost_trial_that_nobody_queued_is_queued_after_a_while(study: Study, clock: Clock) -> None:
    study.add_trial(create_trial(state=TrialState.FAIL))
    stale = StaleTrials(study, 2, clock)
    stale.retry()
    clock.seconds += CLAIM_TIMEOUT_S - 1
    stale.retry()
    assert states(study) == ["FAIL"]
    for _ in range(3):
        clock.seconds += 2 * CLAIM_TIMEOUT_S
        stale.retry()
    assert states(study) == ["FAIL", "WAITING"]


@pytest.mark.parametrize(
    "trial",
    [
        pytest.param(create_trial(state=TrialState.FAIL, user_attrs={REASON: "a bug"}), id="failed by its own cause"),
        pytest.param(create_trial(state=TrialState.FAIL, user_attrs={SURPLUS: True}), id="withdrawn"),
        pytest.param(create_trial(value=0.5), id="complete"),
        pytest.param(create_trial(state=TrialState.PRUNED), id="pruned"),
    ],
)
def test_an_ended_trial_is_not_queued_again(study: Study, clock: Clock, trial: FrozenTrial) -> None:
    study.add_trial(trial)
    retried_after(study, clock, 2 * CLAIM_TIMEOUT_S, 2 * CLAIM_TIMEOUT_S)
    assert len(study.trials) == 1


def forgotten_by_two(max_retries: int, clock: Clock) -> Study:
    """A lost attempt that two healers find forgotten at the same moment."""
    storage = OvertakenStorage()
    study = opened(storage)
    study.add_trial(create_trial(state=TrialState.FAIL))
    observers = [StaleTrials(study, max_retries, clock) for _ in range(2)]
    for observer in observers:
        observer.retry()
    clock.seconds += 2 * CLAIM_TIMEOUT_S
    storage.overtake = observers[1].retry
    observers[0].retry()
    return study


def test_of_two_retries_of_one_attempt_the_second_is_withdrawn(clock: Clock) -> None:
    study = forgotten_by_two(2, clock)
    assert states(study) == ["FAIL", "WAITING", "WAITING"]
    assert [trial and trial.number for trial in (asked(study, 2), asked(study, 2))] == [1, 3]
    assert states(study) == ["FAIL", "RUNNING", "FAIL", "RUNNING"]
    assert SURPLUS in study.trials[2].user_attrs


def test_two_that_find_an_attempt_forgotten_fail_its_trial_once(clock: Clock) -> None:
    study = forgotten_by_two(0, clock)
    assert ask(study, 1) is None
    assert count(study.trials) == Counts(complete=0, pruned=0, failed=1, lost=1)


def test_a_trial_elsewhere_is_lost_when_its_lease_was_seen_unchanged(study: Study, clock: Clock) -> None:
    owned(study, ELSEWHERE).set_user_attr(HEARTBEAT, 3)
    assert retried_after(study, clock, HEARTBEAT_TIMEOUT_S - 1, 2.0) == [[], [], [0]]
    assert states(study) == ["FAIL", "WAITING"]


def test_a_renewed_lease_starts_the_watch_anew(study: Study, clock: Clock) -> None:
    trial = owned(study, ELSEWHERE)
    stale = StaleTrials(study, 2, clock)
    found = []
    for renewal in range(4):
        trial.set_user_attr(HEARTBEAT, renewal)
        found.append(stale.retry())
        clock.seconds += HEARTBEAT_TIMEOUT_S - 1
    found.append(stale.retry())
    clock.seconds += 2.0
    found.append(stale.retry())
    assert found == [[]] * 5 + [[0]]


def test_each_process_watches_for_itself(study: Study, clock: Clock) -> None:
    owned(study, ELSEWHERE)
    StaleTrials(study, 2, clock).retry()
    clock.seconds += 2 * HEARTBEAT_TIMEOUT_S
    assert StaleTrials(study, 2, clock).retry() == []


# processes killed while they withdraw a trial


@pytest.mark.parametrize("max_retries", [0, 2])
def test_a_trial_withdrawn_by_a_killed_process_is_not_tried_again(study: Study, dead: Owner, max_retries: int) -> None:
    study.tell(asked(study, 1), 0.5)
    surplus = study.ask()
    surplus.set_user_attr(OWNER, dead.to_attribute(None))
    surplus.set_user_attr(SURPLUS, True)  # and killed before it could tell
    retry_stale(study, max_retries)
    assert states(study) == ["COMPLETE", "FAIL"]
    assert count(study.trials).counted == 1


@pytest.mark.parametrize(("has_drawn", "seconds"), [(False, CLAIM_TIMEOUT_S), (True, HEARTBEAT_TIMEOUT_S)])
def test_an_attempt_whose_claim_was_damaged_is_judged_by_its_heartbeat(has_drawn: bool, seconds: float) -> None:
    """An attempt draws after it was claimed: one that has drawn has a worker, of which the study does not know."""
    study, clock = opened(), Clock()
    trial = study.ask()
    if has_drawn:
        trial.suggest_float("x", 0, 1)
    stale = StaleTrials(study, 2, clock)
    for beat in (1, 2, 3):
        assert stale.retry() == []
        clock.seconds += seconds - 1
        trial.set_user_attr(HEARTBEAT, beat) if has_drawn else None
        if not has_drawn:
            break
    assert stale.retry() == []
    clock.seconds += seconds + 1
    assert stale.retry() == [trial.number]
