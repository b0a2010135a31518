"""The study: a budget that is kept, lost trials that come back, counts, and what may change on a resume."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from optuna import Study, Trial
from optuna.pruners import NopPruner
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from tunesmith.errors import UserError
from tunesmith.search.owners import this_process
from tunesmith.search.sampler import WITHDRAWN
from tunesmith.search.space import Space, parse_space
from tunesmith.search.storage import open_journal
from tunesmith.search.study import (
    EPOCHS,
    OWNER,
    REASON,
    SIGNING_SECONDS,
    Counts,
    ask,
    best_trial,
    count,
    folder_name,
    heal,
    is_lost,
    num_epochs,
    open_study,
    tell_lost,
    trial_value,
)

X = parse_space({}, ["x=interval(0,1)"])
MINIMIZE, MAXIMIZE = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE

ASK_REPORT_AND_DIE = """
import os, sys
from pathlib import Path
from optuna.pruners import NopPruner
from tunesmith.search.space import parse_space
from tunesmith.search.storage import open_journal
from tunesmith.search.study import ask, open_study
space = parse_space({}, ["x=interval(0,1)"])
trial = ask(open_study(open_journal(Path(sys.argv[1])), "study", "min", NopPruner(), space), 10)
space.dimensions["x"].suggest(trial)
trial.report(0.5, 1)
trial.report(0.4, 2)
os._exit(9)
"""


def opened(storage: BaseStorage, space: Space = X, direction: str = "min") -> Study:
    return open_study(storage, "study", direction, NopPruner(), space)


@pytest.fixture
def study() -> Study:
    return opened(InMemoryStorage())


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


def abandoned(study: Study, owner: dict[str, Any]) -> Trial:
    """A trial that had drawn its value and reported two epochs when its process ended."""
    trial = asked(study)
    trial.suggest_float("x", 0, 1)
    trial.report(0.5, 1)
    trial.report(0.4, 2)
    trial.set_user_attr(OWNER, owner)
    return trial


def fail(study: Study, trial: Trial) -> None:
    trial.set_user_attr(REASON, "a bug")
    study.tell(trial, state=TrialState.FAIL)


def states(study: Study) -> list[str]:
    return [trial.state.name for trial in study.trials]


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


def test_a_lost_trial_takes_no_place(study: Study) -> None:
    for _ in range(3):
        tell_lost(study, asked(study, 1))
    assert ask(study, 1) is not None


def test_a_larger_budget_goes_on(study: Study) -> None:
    study.tell(asked(study, 1), 0.5)
    assert asked(study, 2).number == 1


def test_an_asked_trial_is_signed_by_this_process(study: Study) -> None:
    assert asked(study).user_attrs[OWNER] == this_process()


class OvertakenStorage(InMemoryStorage):
    """Lets another worker in once, between the count and the ask of the first one."""

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


def test_a_surplus_trial_is_neither_counted_nor_lost() -> None:
    storage = OvertakenStorage()
    study = opened(storage)
    storage.overtake = lambda: study.tell(asked(study, 1), 0.5)
    assert ask(study, 1) is None
    assert heal(study) == []
    assert count(study) == Counts(complete=1, pruned=0, failed=0, lost=0)


def test_workers_on_one_journal_keep_the_budget_together(tmp_path: Path) -> None:
    def work() -> None:
        study = opened(open_journal(tmp_path / "study.journal"))
        while (trial := ask(study, 15)) is not None:
            study.tell(trial, trial.suggest_float("x", 0, 1))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert count(opened(open_journal(tmp_path / "study.journal"))).complete == 15


# lost trials


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
    retry = asked(study)
    retry.set_user_attr(OWNER, dead)
    assert heal(study) == [1]
    assert [folder_name(trial) for trial in study.trials] == ["0", "0", "0"]


def test_a_trial_of_its_own_has_its_own_folder(study: Study) -> None:
    assert [folder_name(asked(study)) for _ in range(2)] == ["0", "1"]


def test_a_trial_of_a_live_process_is_left_alone(study: Study) -> None:
    asked(study)
    assert heal(study) == []
    assert states(study) == ["RUNNING"]


@pytest.mark.parametrize(
    ("age", "healed"),
    [
        pytest.param(SIGNING_SECONDS / 2, [], id="just asked for"),
        pytest.param(SIGNING_SECONDS * 2, [0], id="its process died before it signed"),
    ],
)
def test_a_trial_that_nobody_has_signed(study: Study, age: float, healed: list[int]) -> None:
    trial = create_trial(state=TrialState.RUNNING)
    trial.datetime_start = datetime.now() - timedelta(seconds=age)
    study.add_trial(trial)
    assert heal(study) == healed


def ended(age: float, state: TrialState = TrialState.FAIL, **arguments: Any) -> FrozenTrial:
    trial = create_trial(state=state, **arguments)
    trial.datetime_start = trial.datetime_complete = datetime.now() - timedelta(seconds=age)
    return trial


def test_a_lost_trial_that_nobody_queued_is_queued_once(study: Study) -> None:
    study.add_trial(ended(2 * SIGNING_SECONDS))
    heal(study)
    heal(study)
    assert states(study) == ["FAIL", "WAITING"]


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda: ended(SIGNING_SECONDS / 2), id="just lost: whoever ended it is about to"),
        pytest.param(
            lambda: ended(2 * SIGNING_SECONDS, user_attrs={REASON: "a bug"}), id="failed for a cause of its own"
        ),
        pytest.param(lambda: ended(2 * SIGNING_SECONDS, user_attrs={WITHDRAWN: True}), id="withdrawn"),
        pytest.param(lambda: ended(2 * SIGNING_SECONDS, TrialState.COMPLETE, value=0.5), id="complete"),
        pytest.param(lambda: ended(2 * SIGNING_SECONDS, TrialState.PRUNED), id="pruned"),
    ],
)
def test_an_ended_trial_is_not_queued_again(study: Study, made: Callable[[], FrozenTrial]) -> None:
    study.add_trial(made())  # made now: a suite may take longer than what is tested here
    heal(study)
    assert len(study.trials) == 1


def test_a_trial_of_a_killed_process_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "study.journal"
    assert subprocess.run([sys.executable, "-c", ASK_REPORT_AND_DIE, str(path)], check=False).returncode == 9
    study = opened(open_journal(path))
    assert heal(study) == [0]
    asked(study)
    lost, retry = study.trials
    assert (retry.params, retry.intermediate_values) == (lost.params, {1: 0.5, 2: 0.4})


def test_a_trial_given_back_is_queued_as_it_was(study: Study) -> None:
    trial = asked(study)
    drawn = trial.suggest_float("x", 0, 1)
    tell_lost(study, trial)
    assert asked(study).suggest_float("x", 0, 1) == drawn


def test_a_finished_trial_cannot_be_given_back(study: Study) -> None:
    trial = asked(study)
    study.tell(trial, 0.5)
    tell_lost(study, trial)
    assert states(study) == ["COMPLETE"]


def test_a_failure_with_a_reason_is_not_lost(study: Study) -> None:
    fail(study, asked(study))
    tell_lost(study, asked(study))
    assert [is_lost(trial) for trial in study.trials[:2]] == [False, True]


def test_counts(study: Study) -> None:
    complete(study, asked(study))
    prune(study, asked(study))
    fail(study, asked(study))
    tell_lost(study, asked(study))
    complete(study, asked(study))  # the lost one's retry
    asked(study)
    assert count(study) == Counts(complete=2, pruned=1, failed=1, lost=1)
    assert count(study).counted == 4


# a study that goes on


@pytest.mark.parametrize("direction", ["min", "minimize", "max", "maximize"])
def test_directions_have_two_names(direction: str) -> None:
    study = opened(InMemoryStorage(), direction=direction)
    assert study.direction == (MINIMIZE if direction.startswith("min") else MAXIMIZE)


def test_a_study_keeps_its_direction() -> None:
    storage = InMemoryStorage()
    opened(storage, direction="min")
    message = "^objective.mode must stay minimize in study study; got max; or use another study_name$"
    with pytest.raises(UserError, match=message):
        opened(storage, direction="max")


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param("interval(0,1)", "interval(0,2)", id="a wider range of floats"),
        pytest.param("interval(0,1)", "interval(0.4,0.6)", id="a narrower one"),
        pytest.param("int(interval(1,3))", "int(interval(1,9))", id="a wider range of integers"),
        pytest.param("a,b", "a,b", id="the same choices"),
    ],
)
def test_a_study_may_go_on_over(before: str, now: str) -> None:
    storage = InMemoryStorage()
    space = parse_space({}, [f"x={before}"])
    space.dimensions["x"].suggest(asked(opened(storage, space)))
    wider = parse_space({}, [f"x={now}"])
    wider.dimensions["x"].suggest(asked(opened(storage, wider)))


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param("a,b", "a,b,c", id="another choice"),
        pytest.param("a,b", "b,a", id="another order of choices"),
        pytest.param("interval(0.1,1)", "tag(log,interval(0.1,1))", id="a log scale"),
        pytest.param("interval(0,1)", "int(interval(0,1))", id="integers"),
        pytest.param("interval(0,1)", "0.1,0.2", id="choices"),
    ],
)
def test_a_study_may_not_go_on_over(before: str, now: str) -> None:
    storage = InMemoryStorage()
    space = parse_space({}, [f"x={before}"])
    space.dimensions["x"].suggest(asked(opened(storage, space)))
    with pytest.raises(
        UserError, match=r"^x must vary as it did in study study .*; got .*; or use another study_name$"
    ):
        opened(storage, parse_space({}, [f"x={now}"]))


def test_opening_a_study_that_is_there_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "study.journal"
    opened(open_journal(path))
    before = path.read_bytes()
    opened(open_journal(path))
    assert path.read_bytes() == before


def test_a_study_may_go_on_without_a_key() -> None:
    storage = InMemoryStorage()
    asked(opened(storage)).suggest_float("x", 0, 1)
    opened(storage, parse_space({}, ["y=interval(0,1)"]))


# values


def trial_of(value: float | None = None, state: TrialState = TrialState.COMPLETE, *reported: float) -> FrozenTrial:
    return create_trial(state=state, value=value, intermediate_values=dict(enumerate(reported, start=1)))


@pytest.mark.parametrize(
    ("direction", "value"), [pytest.param(MINIMIZE, 1.0, id="min"), pytest.param(MAXIMIZE, 3.0, id="max")]
)
def test_the_best_is_a_complete_trial(direction: StudyDirection, value: float) -> None:
    pruned = [trial_of(None, TrialState.PRUNED, 0.0, 9.0), trial_of(None, TrialState.FAIL)]
    best = best_trial([*map(trial_of, (2.0, 1.0, 3.0)), *pruned], direction)
    assert best is not None
    assert best.value == value


def test_the_best_is_the_first_of_equals() -> None:
    trials = [trial_of(2.0), trial_of(1.0), trial_of(1.0)]
    assert best_trial(trials, MINIMIZE) is trials[1]


def test_without_a_complete_trial_there_is_no_best() -> None:
    assert best_trial([trial_of(None, TrialState.PRUNED, 0.5)], MINIMIZE) is None


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
    assert trial_value(trial, direction) == value


@pytest.mark.parametrize(
    ("attrs", "epochs"),
    [
        pytest.param({}, 3, id="a report is an epoch"),
        pytest.param({EPOCHS: 70}, 70, id="unless its step took more of them"),
    ],
)
def test_epochs_of_a_trial(attrs: dict[str, int], epochs: int) -> None:
    trial = create_trial(value=0.1, intermediate_values={1: 0.3, 2: 0.2, 3: 0.1}, user_attrs=attrs)
    assert num_epochs(trial) == epochs
