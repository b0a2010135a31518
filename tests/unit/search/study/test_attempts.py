"""Attempts: a budget that is kept, attempts that are given back or found lost, trials that come back."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from optuna import Study, Trial
from optuna.pruners import NopPruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from tunesmith.search.sampling.sampler import SURPLUS, Enumeration
from tunesmith.search.space.space import parse_space
from tunesmith.search.storage.storage import open_journal
from tunesmith.search.study.attempts import (
    CLAIM_TIMEOUT_S,
    HEARTBEAT_TIMEOUT_S,
    StaleTrials,
    ask,
    first_attempt,
    requeue,
    requeue_own,
    tell,
    was_requeued,
)
from tunesmith.search.study.owner import this_process
from tunesmith.search.study.study import (
    HEARTBEAT,
    OWNER,
    REASON,
    Counts,
    count,
    folder_name,
    is_counted,
    is_over,
    open_study,
)

X = parse_space({}, ["x=interval(0,1)"])
POINTS = parse_space({}, ["y=range(1,12)"])
ELSEWHERE = {"host": "other", "machine": "other", "pid": 1, "started": 0.0, "worker": None}

ASK_REPORT_AND_DIE = """
import os, sys
from pathlib import Path
from optuna.pruners import NopPruner
from tunesmith.search.study.attempts import ask
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


class Clock:
    """Seconds of one process: moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def opened(storage: BaseStorage, sampler: BaseSampler | None = None) -> Study:
    study = open_study(storage, "study", "min", NopPruner(), X)
    if sampler is not None:
        study.sampler = sampler
    return study


@pytest.fixture
def study() -> Study:
    return opened(InMemoryStorage())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def dead() -> dict[str, Any]:
    """An owner whose process has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return {**this_process(), "pid": process.pid}


def asked(study: Study, n_trials: int = 100) -> Trial:
    trial = ask(study, n_trials)
    assert trial is not None
    return trial


def owned(study: Study, owner: dict[str, Any], n_trials: int = 100) -> Trial:
    trial = asked(study, n_trials)
    trial.set_user_attr(OWNER, owner)
    return trial


def abandoned(study: Study, owner: dict[str, Any]) -> Trial:
    """A trial that had drawn its value and reported two epochs when its process ended."""
    trial = owned(study, owner)
    trial.suggest_float("x", 0, 1)
    trial.report(0.5, 1)
    trial.report(0.4, 2)
    return trial


def fail(study: Study, trial: Trial) -> None:
    trial.set_user_attr(REASON, "a bug")
    study.tell(trial, state=TrialState.FAIL)


def heal(study: Study, max_retries: int = 2) -> list[int]:
    return StaleTrials(study, max_retries).heal()


def states(study: Study) -> list[str]:
    return [trial.state.name for trial in study.trials]


def counted_chains(study: Study) -> list[int]:
    """The first attempts of the trials that count, as often as they do."""
    return sorted(first_attempt(trial) for trial in study.trials if is_counted(trial))


# the budget


def complete(study: Study, trial: Trial) -> None:
    study.tell(trial, 0.5)


def prune(study: Study, trial: Trial) -> None:
    trial.report(0.5, 1)
    study.tell(trial, state=TrialState.PRUNED)


def leave_running(study: Study, trial: Trial) -> None:
    assert trial.number in [running.number for running in study.get_trials(states=(TrialState.RUNNING,))]


@pytest.mark.parametrize("end", [complete, prune, fail, leave_running], ids=lambda end: end.__name__)
def test_a_trial_takes_a_place(study: Study, end: Callable[[Study, Trial], None]) -> None:
    end(study, asked(study, 2))
    end(study, asked(study, 2))
    assert ask(study, 2) is None
    assert len(study.trials) == 2


def test_a_trial_and_its_later_attempts_take_one_place(study: Study) -> None:
    for _ in range(3):
        requeue(study, asked(study, 2).number)
    fresh, again = asked(study, 2), asked(study, 2)
    assert [first_attempt(study.trials[trial.number]) for trial in (fresh, again)] == [0, 4]
    assert ask(study, 2) is None


def test_a_larger_budget_goes_on(study: Study) -> None:
    study.tell(asked(study, 1), 0.5)
    assert asked(study, 2).number == 1


def test_an_asked_trial_is_signed_by_this_process(study: Study) -> None:
    assert asked(study).user_attrs[OWNER] == {**this_process(), "folder": None}


def test_an_asked_trial_says_where_its_folder_lies(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trial = ask(study, 9, Path("outputs/s"))
    assert trial is not None
    assert trial.user_attrs[OWNER]["folder"] == str(tmp_path / "outputs" / "s")


class OvertakenStorage(InMemoryStorage):
    """Lets another worker in once, before a trial is made: between the count and the ask of the first one."""

    overtake: Callable[[], object] | None = None

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        overtake, self.overtake = self.overtake, None
        if overtake is not None:
            overtake()
        return super().create_new_trial(study_id, template_trial)


def test_of_two_that_ask_for_the_last_place_one_gets_it() -> None:
    storage = OvertakenStorage()
    study = opened(storage)
    asked(study, 2)
    others: list[Trial | None] = []
    storage.overtake = lambda: others.append(ask(study, 2))
    assert ask(study, 2) is None
    assert [trial and trial.number for trial in others] == [1]
    assert states(study) == ["RUNNING", "RUNNING", "FAIL"]


def test_a_surplus_trial_is_neither_counted_nor_lost(clock: Clock) -> None:
    storage = OvertakenStorage()
    study = opened(storage)
    storage.overtake = lambda: study.tell(asked(study, 1), 0.5)
    assert ask(study, 1) is None
    healer = StaleTrials(study, 2, clock)
    for _ in range(2):
        assert healer.heal() == []
        clock.seconds += 2 * CLAIM_TIMEOUT_S
    assert states(study) == ["COMPLETE", "FAIL"]
    assert count(study) == Counts(complete=1, pruned=0, failed=0, lost=0)


def in_threads(number: int, work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("loss", [0.0, 0.3], ids=["none given back", "some given back"])
def test_workers_on_one_journal_keep_the_budget_together(tmp_path: Path, loss: float) -> None:
    path, n_trials = tmp_path / "study.journal", 12

    def work(index: int) -> None:
        study, dice = opened(open_journal(path)), random.Random(index)
        while not is_over(study.get_trials(deepcopy=False), n_trials):
            trial = ask(study, n_trials)
            if trial is None:
                continue
            value = trial.suggest_float("x", 0, 1)
            if dice.random() < loss:
                requeue(study, trial.number)
            else:
                study.tell(trial, value)

    opened(open_journal(path))
    in_threads(4, work)
    study = opened(open_journal(path))
    chains = counted_chains(study)
    assert (len(chains), len(set(chains))) == (n_trials, n_trials)
    assert (count(study).lost > 0) == (loss > 0)
    assert not study.get_trials(states=(TrialState.RUNNING, TrialState.WAITING))


def test_every_point_is_given_once_where_attempts_are_lost_in_between(tmp_path: Path) -> None:
    path = tmp_path / "study.journal"

    def work(index: int) -> None:
        study, dice = opened(open_journal(path), Enumeration(list(POINTS.points()))), random.Random(index)
        while not is_over(study.get_trials(deepcopy=False), 12):
            trial = ask(study, 12)
            if trial is None:
                continue
            if dice.random() < 0.2:
                requeue(study, trial.number)  # before it has drawn
                continue
            value = POINTS.dimensions["y"].suggest(trial)
            if dice.random() < 0.2:
                requeue(study, trial.number)
            else:
                study.tell(trial, value)

    opened(open_journal(path))
    in_threads(3, work)
    study = opened(open_journal(path))
    assert Counter(trial.params["y"] for trial in study.trials if is_counted(trial)) == Counter(range(1, 13))


def test_a_smaller_budget_leaves_waiting_trials_waiting_and_a_larger_one_takes_them_up(study: Study) -> None:
    running = [asked(study, 4) for _ in range(4)]
    for trial in running[:2]:
        study.tell(trial, 0.5)
    for trial in running[2:]:
        requeue(study, trial.number)
    assert ask(study, 2) is None
    assert states(study) == ["COMPLETE", "COMPLETE", "FAIL", "FAIL", "WAITING", "WAITING"]
    again = asked(study, 3)
    assert first_attempt(study.trials[again.number]) == 2
    assert ask(study, 3) is None
    assert first_attempt(study.trials[asked(study, 4).number]) == 3


def test_a_smaller_budget_takes_the_trial_that_was_begun_first(study: Study) -> None:
    first, second = asked(study, 2), asked(study, 2)
    requeue(study, second.number)
    requeue(study, first.number)
    assert first_attempt(study.trials[asked(study, 1).number]) == first.number
    assert ask(study, 1) is None
    waiting = study.get_trials(states=(TrialState.WAITING,))
    assert [first_attempt(trial) for trial in waiting] == [second.number]


# attempts given back


def test_a_trial_given_back_is_queued_as_it_was(study: Study) -> None:
    trial = abandoned(study, this_process())
    assert requeue(study, trial.number)
    retry = asked(study)
    assert retry.suggest_float("x", 0, 1) == trial.params["x"]
    assert study.trials[1].intermediate_values == {1: 0.5, 2: 0.4}


def test_a_finished_trial_cannot_be_given_back(study: Study) -> None:
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


def test_attempts_given_back_are_no_deaths(study: Study, dead: dict[str, Any]) -> None:
    for _ in range(4):
        requeue(study, asked(study).number)
    owned(study, dead)
    heal(study, max_retries=1)
    assert states(study)[-1] == "WAITING"
    requeue(study, asked(study).number)
    owned(study, dead)
    heal(study, max_retries=1)
    assert ask(study, 1) is None
    assert study.trials[-1].user_attrs[REASON].startswith("its process ended 2 times")


def test_a_process_gives_back_what_it_has_left_running(study: Study, dead: dict[str, Any]) -> None:
    study.tell(asked(study), 0.5)
    asked(study)
    owned(study, dead)
    owned(study, ELSEWHERE)
    requeue_own(study)
    assert states(study) == ["COMPLETE", "FAIL", "RUNNING", "RUNNING", "WAITING"]
    assert was_requeued(study.trials, 1)


def test_what_was_given_back_is_told_from_what_was_lost(study: Study, dead: dict[str, Any]) -> None:
    requeue(study, asked(study).number)
    owned(study, dead)
    heal(study)
    requeue(study, asked(study).number)
    study.tell(asked(study), 0.5)
    assert [was_requeued(study.trials, number) for number in range(4)] == [True, False, True, False]


# attempts of a process that is gone


def test_a_trial_of_a_dead_process_is_queued_again_as_it_was(study: Study, dead: dict[str, Any]) -> None:
    lost = abandoned(study, dead)
    assert heal(study) == [0]
    retry = asked(study)
    assert (retry.number, retry.suggest_float("x", 0, 1)) == (1, lost.params["x"])
    assert study.trials[1].intermediate_values == {1: 0.5, 2: 0.4}


def test_a_lost_trial_is_healed_once(study: Study, dead: dict[str, Any]) -> None:
    abandoned(study, dead)
    assert [heal(study), heal(study)] == [[0], []]
    assert states(study) == ["FAIL", "WAITING"]


def test_two_openers_heal_a_trial_once(tmp_path: Path, dead: dict[str, Any]) -> None:
    studies = [opened(open_journal(tmp_path / "study.journal")) for _ in range(2)]
    abandoned(studies[0], dead)
    assert [heal(study) for study in studies] == [[0], []]
    assert states(studies[0]) == ["FAIL", "WAITING"]


def test_a_retry_that_is_lost_too_keeps_the_folder_of_the_first_attempt(study: Study, dead: dict[str, Any]) -> None:
    abandoned(study, dead)
    heal(study)
    owned(study, dead)
    assert heal(study) == [1]
    assert [folder_name(trial) for trial in study.trials] == ["0", "0", "0"]


def test_a_trial_of_its_own_has_its_own_folder(study: Study) -> None:
    assert [folder_name(asked(study)) for _ in range(2)] == ["0", "1"]


def test_a_trial_of_a_live_process_is_left_alone(study: Study, clock: Clock) -> None:
    asked(study)
    healer = StaleTrials(study, 2, clock)
    for _ in range(2):
        assert healer.heal() == []
        clock.seconds += 2 * HEARTBEAT_TIMEOUT_S
    assert states(study) == ["RUNNING"]


def test_a_trial_of_a_killed_process_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "study.journal"
    assert subprocess.run([sys.executable, "-c", ASK_REPORT_AND_DIE, str(path)], check=False).returncode == 9
    study = opened(open_journal(path))
    assert heal(study) == [0]
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
def test_after_max_retries_a_trial_has_failed(
    study: Study, dead: dict[str, Any], max_retries: int, final: list[str]
) -> None:
    drawn = abandoned(study, dead).params["x"]
    heal(study, max_retries)
    for _ in range(max_retries):
        owned(study, dead, n_trials=1)
        heal(study, max_retries)
    assert ask(study, 1) is None
    *_, last = study.trials
    assert states(study) == final
    assert count(study) == Counts(complete=0, pruned=0, failed=1, lost=max_retries + 1)
    deaths = max_retries + 1
    assert last.user_attrs[REASON] == (
        f"its process ended {deaths} times (killed, out of memory?); hydra.sweeper.max_retries={max_retries}"
    )
    assert (last.params["x"], folder_name(last)) == (drawn, "0")


# what is known only after a while, by this process's own clock


def healed_after(study: Study, clock: Clock, *seconds: float) -> list[list[int]]:
    """What one healer finds at once, and each so many seconds later."""
    healer = StaleTrials(study, 2, clock)
    found = [healer.heal()]
    for wait in seconds:
        clock.seconds += wait
        found.append(healer.heal())
    return found


def test_a_trial_that_nobody_has_signed_is_lost_when_it_was_seen_so_for_a_while(study: Study, clock: Clock) -> None:
    study.add_trial(create_trial(state=TrialState.RUNNING))
    assert healed_after(study, clock, CLAIM_TIMEOUT_S - 1, 2.0) == [[], [], [0]]
    assert states(study) == ["FAIL", "WAITING"]


def test_a_trial_that_is_signed_meanwhile_is_not_lost(study: Study, clock: Clock) -> None:
    trial = study.ask()
    healer = StaleTrials(study, 2, clock)
    healer.heal()
    clock.seconds += CLAIM_TIMEOUT_S - 1
    healer.heal()
    trial.set_user_attr(OWNER, this_process())
    clock.seconds += CLAIM_TIMEOUT_S
    assert healer.heal() == []


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
    healer = StaleTrials(study, 2, clock)
    healer.heal()
    clock.seconds += CLAIM_TIMEOUT_S - 1
    healer.heal()
    assert states(study) == ["FAIL"]
    for _ in range(3):
        clock.seconds += 2 * CLAIM_TIMEOUT_S
        healer.heal()
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
    healed_after(study, clock, 2 * CLAIM_TIMEOUT_S, 2 * CLAIM_TIMEOUT_S)
    assert len(study.trials) == 1


def forgotten_by_two(max_retries: int, clock: Clock) -> Study:
    """A lost attempt that two healers find forgotten at the same moment."""
    storage = OvertakenStorage()
    study = opened(storage)
    study.add_trial(create_trial(state=TrialState.FAIL))
    healers = [StaleTrials(study, max_retries, clock) for _ in range(2)]
    for healer in healers:
        healer.heal()
    clock.seconds += 2 * CLAIM_TIMEOUT_S
    storage.overtake = healers[1].heal
    healers[0].heal()
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
    assert count(study) == Counts(complete=0, pruned=0, failed=1, lost=1)


def test_a_trial_elsewhere_is_lost_when_its_lease_was_seen_unchanged(study: Study, clock: Clock) -> None:
    owned(study, ELSEWHERE).set_user_attr(HEARTBEAT, 3)
    assert healed_after(study, clock, HEARTBEAT_TIMEOUT_S - 1, 2.0) == [[], [], [0]]
    assert states(study) == ["FAIL", "WAITING"]


def test_a_renewed_lease_starts_the_watch_anew(study: Study, clock: Clock) -> None:
    trial = owned(study, ELSEWHERE)
    healer = StaleTrials(study, 2, clock)
    found = []
    for renewal in range(4):
        trial.set_user_attr(HEARTBEAT, renewal)
        found.append(healer.heal())
        clock.seconds += HEARTBEAT_TIMEOUT_S - 1
    found.append(healer.heal())
    clock.seconds += 2.0
    found.append(healer.heal())
    assert found == [[]] * 5 + [[0]]


def test_each_process_watches_for_itself(study: Study, clock: Clock) -> None:
    owned(study, ELSEWHERE)
    StaleTrials(study, 2, clock).heal()
    clock.seconds += 2 * HEARTBEAT_TIMEOUT_S
    assert StaleTrials(study, 2, clock).heal() == []


# processes killed while they withdraw a trial


@pytest.mark.parametrize("max_retries", [0, 2])
def test_a_trial_withdrawn_by_a_killed_process_is_not_tried_again(
    study: Study, dead: dict[str, Any], max_retries: int
) -> None:
    study.tell(asked(study, 1), 0.5)
    surplus = study.ask()
    surplus.set_user_attr(OWNER, dead)
    surplus.set_user_attr(SURPLUS, True)  # and killed before it could tell
    heal(study, max_retries)
    assert states(study) == ["COMPLETE", "FAIL"]
    assert count(study).counted == 1
