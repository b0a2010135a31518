"""The budget of a study: exactly n_trials count, whoever asks and whatever is lost."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from optuna import Study, Trial
from optuna.trial import FrozenTrial, TrialState, create_trial
from studies import Clock, OvertakenStorage, asked, fail, opened, states

from tunesmith.search.sampling.enumeration import Enumeration
from tunesmith.search.space.space import parse_space
from tunesmith.search.storage.storage import open_journal
from tunesmith.search.study.budget import ask, budget_rank, keeps_point
from tunesmith.search.study.counts import Counts, count, is_over
from tunesmith.search.study.owner import this_process
from tunesmith.search.study.retries import CLAIM_TIMEOUT_S, StaleTrials, requeue
from tunesmith.search.study.trial import Attempt, State

POINTS = parse_space({}, ["y=range(1,12)"])


@pytest.fixture
def study() -> Study:
    return opened()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def counted_chains(study: Study) -> list[int]:
    """The first attempts of the trials that count, as often as they do."""
    return sorted(Attempt(trial).first_attempt for trial in study.trials if Attempt(trial).state.is_counted)


def complete(study: Study, trial: Trial) -> None:
    study.tell(trial, 0.5)


def prune(study: Study, trial: Trial) -> None:
    trial.report(0.5, 1)
    study.tell(trial, state=TrialState.PRUNED)


def leave_running(study: Study, trial: Trial) -> None:
    assert trial.number in [running.number for running in study.get_trials(states=(TrialState.RUNNING,))]


@pytest.mark.parametrize("end", [complete, prune, fail, leave_running], ids=lambda end: end.__name__)
def test_a_trial_is_one_of_n_trials(study: Study, end: Callable[[Study, Trial], None]) -> None:
    end(study, asked(study, 2))
    end(study, asked(study, 2))
    assert ask(study, 2) is None
    assert len(study.trials) == 2


def test_a_trial_and_its_later_attempts_take_one_place(study: Study) -> None:
    for _ in range(3):
        requeue(study, asked(study, 2).number)
    fresh, again = asked(study, 2), asked(study, 2)
    assert [Attempt(study.trials[trial.number]).first_attempt for trial in (fresh, again)] == [0, 4]
    assert ask(study, 2) is None


def test_a_larger_budget_goes_on(study: Study) -> None:
    study.tell(asked(study, 1), 0.5)
    assert asked(study, 2).number == 1


def test_an_asked_trial_is_claimed_by_this_process(study: Study) -> None:
    assert Attempt(asked(study)).owner == this_process()


def test_an_asked_trial_says_where_its_folder_lies(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trial = ask(study, 9, Path("outputs/s"))
    assert trial is not None
    assert Attempt(trial).owner == replace(this_process(), folder=str(tmp_path / "outputs" / "s"))


def test_of_two_that_ask_for_the_last_place_one_gets_it() -> None:
    storage = OvertakenStorage()
    study = opened(storage)
    asked(study, 2)
    others: list[Trial | None] = []
    storage.overtake = lambda: others.append(ask(study, 2))
    assert ask(study, 2) is None
    assert [trial and trial.number for trial in others] == [1]
    assert states(study) == ["RUNNING", "RUNNING", "FAIL"]


def with_surplus_trial() -> Study:
    """A study of one trial, in which two workers have asked for it at the same time."""
    storage = OvertakenStorage()
    study = opened(storage)
    storage.overtake = lambda: study.tell(asked(study, 1), 0.5)
    assert ask(study, 1) is None
    return study


def test_a_surplus_trial_holds_no_place_in_a_larger_budget() -> None:
    study = with_surplus_trial()
    assert [Attempt(trial).state for trial in study.trials] == [State.COMPLETE, State.SURPLUS]
    study.tell(asked(study, 2), 0.5)
    assert count(study.trials).counted == 2
    assert ask(study, 2) is None
    assert len(study.trials) == 3


def attempt_of(state: TrialState, **attributes: object) -> FrozenTrial:
    return create_trial(state=state, value=0.5 if state == TrialState.COMPLETE else None, user_attrs=attributes)


def test_the_budget_rank_of_the_docstrings_example() -> None:
    trials = [
        attempt_of(TrialState.COMPLETE),
        attempt_of(TrialState.FAIL),
        attempt_of(TrialState.RUNNING),
        attempt_of(TrialState.RUNNING, first_attempt=1, retry_of=1),
    ]
    for number, trial in enumerate(trials):
        trial.number = number
    assert [budget_rank(trials, Attempt(trial).first_attempt) for trial in trials] == [0, 1, 2, 1]
    assert budget_rank(trials, 4) == 3


def test_a_surplus_trial_is_neither_counted_nor_lost(clock: Clock) -> None:
    study = with_surplus_trial()
    stale = StaleTrials(study, clock=clock)
    for _ in range(2):
        assert stale.end() == []
        clock.seconds += 2 * CLAIM_TIMEOUT_S
    assert states(study) == ["COMPLETE", "FAIL"]
    assert count(study.trials) == Counts(complete=1, pruned=0, failed=0, lost=0)


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
    assert (count(study.trials).lost > 0) == (loss > 0)
    assert not study.get_trials(states=(TrialState.RUNNING, TrialState.WAITING))


def test_every_point_is_given_once_where_attempts_are_lost_in_between(tmp_path: Path) -> None:
    path = tmp_path / "study.journal"

    def work(index: int) -> None:
        study = opened(open_journal(path), Enumeration(POINTS), space=POINTS, is_enumerated=True)
        dice = random.Random(index)
        while not is_over(study.get_trials(deepcopy=False), 12):
            trial = ask(study, 12)
            if trial is None:
                continue
            if dice.random() < 0.2:
                requeue(study, trial.number)  # before it has drawn
                continue
            value = POINTS.dimensions["y"].suggest(trial)
            if not keeps_point(study, trial):
                continue
            if dice.random() < 0.2:
                requeue(study, trial.number)
            else:
                study.tell(trial, value)

    opened(open_journal(path))
    in_threads(3, work)
    study = opened(open_journal(path), space=POINTS, is_enumerated=True)
    assert Counter(trial.params["y"] for trial in study.trials if Attempt(trial).state.is_counted) == Counter(
        range(1, 13)
    )


def enumerated() -> Study:
    return opened(sampler=Enumeration(POINTS), space=POINTS, is_enumerated=True)


def draw(trial: Trial) -> int:
    return int(POINTS.dimensions["y"].suggest(trial))


def test_the_point_of_a_lost_attempt_waits_for_its_retry() -> None:
    study = enumerated()
    lost = asked(study, 12)
    assert draw(lost) == 1
    study.tell(lost, state=TrialState.FAIL)  # its process was killed
    retry, other = asked(study, 12), asked(study, 12)
    assert [draw(other), draw(retry)] == [2, 1]


def test_a_trial_whose_retry_finds_its_point_taken_holds_no_rank() -> None:
    study = enumerated()
    lost, other = asked(study, 2), asked(study, 2)
    lost.suggest_int("y", 1, 12)
    other.storage.set_trial_param(other._trial_id, "y", 0.0 + lost.params["y"], POINTS.dimensions["y"].distribution)
    study.tell(other, 0.5)  # both have drawn it at the same moment
    requeue(study, lost.number)
    retry = asked(study, 2)
    assert draw(retry) == draw(lost)
    assert not keeps_point(study, retry)
    assert draw(asked(study, 2)) == 2  # nobody tries the trial again


def test_a_smaller_budget_leaves_lost_trials_alone_and_a_larger_one_takes_them_up(study: Study) -> None:
    running = [asked(study, 4) for _ in range(4)]
    for trial in running[:2]:
        study.tell(trial, 0.5)
    for trial in running[2:]:
        requeue(study, trial.number)
    assert ask(study, 2) is None
    assert states(study) == ["COMPLETE", "COMPLETE", "FAIL", "FAIL"]
    again = asked(study, 3)
    assert Attempt(study.trials[again.number]).first_attempt == 2
    assert ask(study, 3) is None
    assert Attempt(asked(study, 4)).first_attempt == 3


def test_a_smaller_budget_takes_the_trial_that_was_begun_first(study: Study) -> None:
    first, second = asked(study, 2), asked(study, 2)
    requeue(study, second.number)
    requeue(study, first.number)
    assert Attempt(asked(study, 1)).first_attempt == first.number
    assert ask(study, 1) is None
    assert Attempt(asked(study, 2)).first_attempt == second.number
