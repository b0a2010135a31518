"""Attempts that end through no fault of their own: requeued, or found stale, and retried."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from optuna import Study, Trial
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from studies import ELSEWHERE, Clock, OvertakenStorage, abandoned, asked, opened, owned, states

from tunesmith.search.attribute_names import HEARTBEAT, OWNER, REASON, REQUEUED, SURPLUS
from tunesmith.search.storage.storage import open_journal
from tunesmith.search.study.budget import ask
from tunesmith.search.study.counts import Counts, count
from tunesmith.search.study.heartbeat import HEARTBEAT_TIMEOUT_S
from tunesmith.search.study.owner import Owner, this_process
from tunesmith.search.study.retries import (
    CLAIM_TIMEOUT_S,
    StaleTrials,
    make_retry,
    next_to_retry,
    requeue,
    requeue_own,
    was_requeued,
)
from tunesmith.search.study.study import tell
from tunesmith.search.study.trial import Attempt
from tunesmith.search.worker.interruption import Interruption
from tunesmith.search.worker.trial_reporter import TrialReporter

ASK_REPORT_AND_DIE = """
import os, sys
from pathlib import Path
from optuna.pruners import NopPruner
from tunesmith.search.study.budget import ask
from tunesmith.search.space.space import parse_space
from tunesmith.search.storage.storage import open_journal
from tunesmith.search.study.scope import Scope
from tunesmith.search.study.study import open_study
space = parse_space({}, ["x=interval(0,1)"])
trial = ask(open_study(open_journal(Path(sys.argv[1])), "study", "min", NopPruner(), Scope(space)), 10)
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


def end_stale(study: Study) -> list[int]:
    return StaleTrials(study).end()


def killed_after(study: Study, dead: Owner, *steps: int, max_retries: int = 2) -> Trial:
    """An attempt that had reported these steps when its process was killed."""
    trial = ask(study, 1, max_retries=max_retries)
    assert trial is not None
    trial.set_user_attr(OWNER, dead.to_attribute(None))
    for step in steps:
        trial.report(0.5, step)
    assert end_stale(study) == [trial.number]
    return trial


# attempts that are requeued


def test_a_trial_requeued_goes_on_as_it_was(study: Study) -> None:
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
    for end in (lambda number: requeue(study, number), lambda number: end_stale(study)):
        trial = owned(study, dead)
        trial.set_user_attr(REASON, "val/loss was nan")
        end(trial.number)
    assert states(study) == ["FAIL", "FAIL"]
    assert count(study.trials) == Counts(complete=0, pruned=0, failed=2, lost=0)


def test_requeued_attempts_are_no_crashes(study: Study, dead: Owner) -> None:
    for _ in range(4):
        requeue(study, asked(study).number)
    killed_after(study, dead)
    requeue(study, asked(study).number)
    killed_after(study, dead, max_retries=1)
    assert ask(study, 1, max_retries=1) is None
    assert study.trials[-1].user_attrs[REASON].startswith("its process ended 2 times")


def test_an_attempt_killed_while_it_was_requeued_is_no_crash(study: Study, dead: Owner) -> None:
    trial = owned(study, dead)
    trial.set_user_attr(REQUEUED, True)  # and killed before it could tell
    assert end_stale(study) == [0]
    assert Attempt(asked(study)).crashes == 0


def test_a_process_requeues_what_it_has_left_running(study: Study, dead: Owner) -> None:
    study.tell(asked(study), 0.5)
    asked(study)
    owned(study, dead)
    owned(study, ELSEWHERE)
    requeue_own(study)
    assert states(study) == ["COMPLETE", "FAIL", "RUNNING", "RUNNING"]
    assert was_requeued(study.trials, 1)


def test_what_was_requeued_is_told_from_what_was_lost(study: Study, dead: Owner) -> None:
    requeue(study, asked(study).number)
    owned(study, dead)
    end_stale(study)
    requeue(study, asked(study).number)
    study.tell(asked(study), 0.5)
    assert [was_requeued(study.trials, number) for number in range(4)] == [True, False, True, False]


# attempts of a process that is gone


def test_a_trial_of_a_dead_process_goes_on_as_it_was(study: Study, dead: Owner) -> None:
    lost = abandoned(study, dead)
    assert end_stale(study) == [0]
    retry = asked(study)
    assert (retry.number, retry.suggest_float("x", 0, 1)) == (1, lost.params["x"])
    assert study.trials[1].intermediate_values == {1: 0.5, 2: 0.4}


def test_a_lost_trial_is_retried_once(study: Study, dead: Owner) -> None:
    abandoned(study, dead)
    assert [end_stale(study), end_stale(study)] == [[0], []]
    assert [Attempt(asked(study, 2)).first_attempt for _ in range(2)] == [0, 2]
    assert ask(study, 2) is None


def test_two_openers_heal_a_trial_once(tmp_path: Path, dead: Owner) -> None:
    studies = [opened(open_journal(tmp_path / "study.journal")) for _ in range(2)]
    abandoned(studies[0], dead)
    assert [end_stale(study) for study in studies] == [[0], []]
    assert [ask(study, 1) is None for study in studies] == [False, True]


def test_a_retry_that_is_lost_too_keeps_the_folder_of_the_first_attempt(study: Study, dead: Owner) -> None:
    abandoned(study, dead)
    end_stale(study)
    owned(study, dead)
    assert end_stale(study) == [1]
    asked(study)
    assert [Attempt(trial).folder_name for trial in study.trials] == ["0", "0", "0"]


def test_a_trial_of_its_own_has_its_own_folder(study: Study) -> None:
    assert [Attempt(asked(study)).folder_name for _ in range(2)] == ["0", "1"]


def test_a_trial_of_a_live_process_is_left_alone(study: Study, clock: Clock) -> None:
    asked(study)
    stale = StaleTrials(study, clock=clock)
    for _ in range(2):
        assert stale.end() == []
        clock.seconds += 2 * HEARTBEAT_TIMEOUT_S
    assert states(study) == ["RUNNING"]


def test_a_trial_of_a_killed_process_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "study.journal"
    assert subprocess.run([sys.executable, "-c", ASK_REPORT_AND_DIE, str(path)], check=False).returncode == 9
    study = opened(open_journal(path))
    assert end_stale(study) == [0]
    asked(study)
    lost, retry = study.trials
    assert (retry.params, retry.intermediate_values) == (lost.params, {1: 0.5, 2: 0.4})


@pytest.mark.parametrize("max_retries", [0, 1, 2])
def test_after_max_retries_a_trial_has_failed(study: Study, dead: Owner, max_retries: int) -> None:
    drawn = abandoned(study, dead).params["x"]
    end_stale(study)
    for _ in range(max_retries):
        killed_after(study, dead, max_retries=max_retries)
    assert ask(study, 1, max_retries=max_retries) is None
    crashes = max_retries + 1
    assert states(study) == ["FAIL"] * (crashes + 1)
    assert count(study.trials) == Counts(complete=0, pruned=0, failed=1, lost=crashes)
    last = study.trials[-1]
    assert last.user_attrs[REASON] == (
        f"its process ended {crashes} times since its last progress (killed, out of memory?); "
        f"hydra.sweeper.max_retries={max_retries}"
    )
    assert (last.params["x"], Attempt(last).folder_name) == (drawn, "0")


def test_a_trial_that_gets_on_between_crashes_is_not_blamed(study: Study, dead: Owner) -> None:
    for epoch in range(0, 60, 2):
        killed_after(study, dead, epoch + 1, epoch + 2)
    retry = asked(study, 1)
    assert (retry.number, Attempt(retry).crashes) == (30, 1)
    assert list(study.trials[30].intermediate_values) == list(range(1, 61))


@pytest.mark.parametrize(
    ("attempts", "crashes"),
    [
        pytest.param([[], [], []], 3, id="none reports"),
        pytest.param([[1, 2]], 1, id="a crash after the first epochs"),
        pytest.param([[1, 2], [], []], 3, id="none gets beyond the first"),
        pytest.param([[1, 2], [], [3]], 1, id="the third gets on"),
        pytest.param([[1], [2], [3], []], 2, id="the last one does not"),
        pytest.param([[5], [1], [2]], 3, id="steps that lie behind are no progress"),
    ],
)
def test_crashes_count_since_the_last_progress(
    study: Study, dead: Owner, attempts: list[list[int]], crashes: int
) -> None:
    for steps in attempts:
        killed_after(study, dead, *steps)
    assert Attempt(asked(study, 1) if crashes < 3 else _given_up(study)).crashes == crashes


def _given_up(study: Study) -> FrozenTrial:
    assert ask(study, 1) is None
    return study.trials[-1]


def test_a_job_that_begins_anew_and_dies_at_the_same_step_does_not_get_on(study: Study, dead: Owner) -> None:
    """Without checkpoints: its reporter leaves out the steps that an earlier attempt has reported."""
    for _ in range(3):
        trial = asked(study, 1)
        trial.set_user_attr(OWNER, dead.to_attribute(None))
        reporter = TrialReporter(trial, {}, Interruption(), lambda: False)
        for step in (1, 2, 3):
            reporter.report(step, 0.5)
        end_stale(study)
    assert Attempt(_given_up(study)).crashes == 3


def test_an_attempt_given_back_after_progress_leaves_no_crash(study: Study, dead: Owner) -> None:
    killed_after(study, dead)
    trial = asked(study, 1)
    trial.report(0.5, 1)
    requeue(study, trial.number)
    assert Attempt(asked(study, 1)).crashes == 0


# what is known only after a while, by this process's own clock


def ended_after(study: Study, clock: Clock, *seconds: float) -> list[list[int]]:
    """What one process finds at once, and each so many seconds later."""
    stale = StaleTrials(study, clock=clock)
    found = [stale.end()]
    for wait in seconds:
        clock.seconds += wait
        found.append(stale.end())
    return found


def test_a_trial_that_nobody_has_signed_is_lost_when_it_was_seen_so_for_a_while(study: Study, clock: Clock) -> None:
    study.add_trial(create_trial(state=TrialState.RUNNING))
    assert ended_after(study, clock, CLAIM_TIMEOUT_S - 1, 2.0) == [[], [], [0]]
    assert Attempt(asked(study)).retry_of == 0


def test_a_trial_that_is_signed_meanwhile_is_not_lost(study: Study, clock: Clock) -> None:
    trial = study.ask()
    stale = StaleTrials(study, clock=clock)
    stale.end()
    clock.seconds += CLAIM_TIMEOUT_S - 1
    stale.end()
    trial.set_user_attr(OWNER, this_process().to_attribute(None))
    clock.seconds += CLAIM_TIMEOUT_S
    assert stale.end() == []


def test_whoever_takes_a_queued_attempt_and_signs_too_late_asks_again() -> None:
    class Late(InMemoryStorage):
        def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
            if key == OWNER and trial_id == 0 and late.trials[0].state == TrialState.RUNNING:
                tell(late, 0, TrialState.FAIL)  # another worker's doing
            super().set_trial_user_attr(trial_id, key, value)

    late = opened(Late())
    late.enqueue_trial({"x": 0.25})
    retry = asked(late)
    assert (retry.number, Attempt(retry).retry_of) == (1, 0)


def test_an_attempt_has_its_owner_from_the_first_write_on(study: Study) -> None:
    """So no kill leaves one without: between two writes of an ask nothing is to be watched."""

    class Watched(InMemoryStorage):
        def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
            number = super().create_new_trial(study_id, template_trial)
            owners.append(self.get_all_trials(study_id, deepcopy=False)[number].user_attrs.get(OWNER))
            return number

    owners: list[Any] = []
    study = opened(Watched())
    requeue(study, asked(study).number)
    asked(study)
    assert owners == [this_process().to_attribute(None)] * 2


def test_a_lost_attempt_needs_no_queue_and_no_wait(study: Study) -> None:
    """Whatever the process that ended it was about to do next."""
    study.add_trial(create_trial(state=TrialState.FAIL))
    assert Attempt(asked(study)).retry_of == 0


def test_retries_that_an_earlier_version_queued_are_taken(study: Study) -> None:
    study.add_trial(create_trial(state=TrialState.FAIL))
    queued = {"first_attempt": 0, "retry_of": 0, "deaths": 1}
    study.add_trial(create_trial(state=TrialState.WAITING, user_attrs=queued))
    trial = asked(study, 1)
    assert (trial.number, Attempt(trial).owner, Attempt(trial).crashes) == (1, this_process(), 1)
    assert ask(study, 1) is None


@pytest.mark.parametrize(
    "trial",
    [
        pytest.param(create_trial(state=TrialState.FAIL, user_attrs={REASON: "a bug"}), id="failed by its own cause"),
        pytest.param(create_trial(state=TrialState.FAIL, user_attrs={SURPLUS: True}), id="withdrawn"),
        pytest.param(create_trial(value=0.5), id="complete"),
        pytest.param(create_trial(state=TrialState.PRUNED), id="pruned"),
    ],
)
def test_an_ended_trial_is_not_retried(study: Study, trial: FrozenTrial) -> None:
    study.add_trial(trial)
    assert not Attempt(asked(study)).is_retry


def asked_for_by_two(max_retries: int) -> tuple[Study, list[Trial | None]]:
    """A lost attempt whose retry two workers begin at the same moment; what each of them got, the later first."""
    storage = OvertakenStorage()
    study = opened(storage)
    study.add_trial(create_trial(state=TrialState.FAIL))
    got: list[Trial | None] = []
    storage.overtake = lambda: got.append(ask(study, 1, max_retries=max_retries))
    got.insert(0, ask(study, 1, max_retries=max_retries))
    return study, got


def test_of_two_retries_of_one_attempt_the_second_is_withdrawn() -> None:
    study, (later, earlier) = asked_for_by_two(max_retries=2)
    assert (later, earlier and earlier.number) == (None, 1)
    assert states(study) == ["FAIL", "RUNNING", "FAIL"]
    assert SURPLUS in study.trials[2].user_attrs


def test_two_that_give_a_trial_up_fail_it_once() -> None:
    study, got = asked_for_by_two(max_retries=0)
    assert got == [None, None]
    assert count(study.trials) == Counts(complete=0, pruned=0, failed=1, lost=1)


def test_a_trial_elsewhere_is_lost_when_its_lease_was_seen_unchanged(study: Study, clock: Clock) -> None:
    owned(study, ELSEWHERE).set_user_attr(HEARTBEAT, 3)
    assert ended_after(study, clock, HEARTBEAT_TIMEOUT_S - 1, 2.0) == [[], [], [0]]
    assert Attempt(asked(study)).retry_of == 0


def test_a_renewed_lease_starts_the_watch_anew(study: Study, clock: Clock) -> None:
    trial = owned(study, ELSEWHERE)
    stale = StaleTrials(study, clock=clock)
    found = []
    for renewal in range(4):
        trial.set_user_attr(HEARTBEAT, renewal)
        found.append(stale.end())
        clock.seconds += HEARTBEAT_TIMEOUT_S - 1
    found.append(stale.end())
    clock.seconds += 2.0
    found.append(stale.end())
    assert found == [[]] * 5 + [[0]]


def test_each_process_watches_for_itself(study: Study, clock: Clock) -> None:
    owned(study, ELSEWHERE)
    StaleTrials(study, clock=clock).end()
    clock.seconds += 2 * HEARTBEAT_TIMEOUT_S
    assert StaleTrials(study, clock=clock).end() == []


# processes killed while they withdraw a trial


def test_a_trial_withdrawn_by_a_killed_process_is_not_tried_again(study: Study, dead: Owner) -> None:
    study.tell(asked(study, 1), 0.5)
    surplus = study.ask()
    surplus.set_user_attr(OWNER, dead.to_attribute(None))
    surplus.set_user_attr(SURPLUS, True)  # and killed before it could tell
    assert end_stale(study) == []
    assert ask(study, 1) is None
    assert states(study) == ["COMPLETE", "FAIL"]
    assert count(study.trials).counted == 1


# attempts that this process has without knowing


def test_an_attempt_that_its_process_does_not_know_of_is_given_back(study: Study) -> None:
    known, forgotten = asked(study), asked(study)
    assert StaleTrials(study, running={known.number}).end() == []
    assert states(study) == ["RUNNING", "FAIL"]
    retry = asked(study)
    assert (Attempt(retry).retry_of, Attempt(retry).crashes) == (forgotten.number, 0)


@pytest.mark.parametrize("first_ends", [TrialState.COMPLETE, TrialState.FAIL, None])
def test_a_second_retry_whose_process_was_killed_before_it_was_surplus_has_no_retry(
    study: Study, dead: Owner, first_ends: TrialState | None
) -> None:
    """Two processes begin a retry of one attempt; the later one is killed before it marks its own as surplus."""
    abandoned(study, dead)
    end_stale(study)
    owner = {OWNER: dead.to_attribute(None)}
    for _ in range(2):
        trials = study.get_trials()
        study.add_trial(make_retry(trials, trials[0], owner))
    tell(study, 2, TrialState.FAIL)
    if first_ends is not None:
        tell(study, 1, first_ends, 0.5 if first_ends == TrialState.COMPLETE else None)
    to_retry = next_to_retry(study.get_trials())
    assert (to_retry and to_retry.number) == (1 if first_ends == TrialState.FAIL else None)


@pytest.mark.parametrize(("has_drawn", "seconds"), [(False, CLAIM_TIMEOUT_S), (True, HEARTBEAT_TIMEOUT_S)])
def test_an_attempt_whose_claim_was_damaged_is_judged_by_its_heartbeat(has_drawn: bool, seconds: float) -> None:
    """An attempt draws after it was claimed: one that has drawn has a worker, of which the study does not know."""
    study, clock = opened(), Clock()
    trial = study.ask()
    if has_drawn:
        trial.suggest_float("x", 0, 1)
    stale = StaleTrials(study, clock=clock)
    for beat in (1, 2, 3):
        assert stale.end() == []
        clock.seconds += seconds - 1
        trial.set_user_attr(HEARTBEAT, beat) if has_drawn else None
        if not has_drawn:
            break
    assert stale.end() == []
    clock.seconds += seconds + 1
    assert stale.end() == [trial.number]


def test_a_running_attempt_whose_begin_was_damaged_is_judged_by_its_heartbeat() -> None:
    """A record stands in for its begin, which had its owner: the worker may well live."""
    study, clock = opened(), Clock()
    study.add_trial(create_trial(state=TrialState.RUNNING, system_attrs={"damaged": 1}))
    assert ended_after(study, clock, HEARTBEAT_TIMEOUT_S - 1, 2.0) == [[], [], [0]]
