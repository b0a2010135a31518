"""The study: what may change on a resume, the best of its trials, and whether it is worth keeping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from optuna import Study
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial
from studies import asked, fail, opened, owned

from tunesmith.errors import UserError
from tunesmith.search.attribute_names import CONFIG_ERROR
from tunesmith.search.space.space import parse_space
from tunesmith.search.storage.storage import open_journal
from tunesmith.search.study.owner import this_process
from tunesmith.search.study.retries import requeue
from tunesmith.search.study.study import best_trial, is_worthless, tell

MINIMIZE, MAXIMIZE = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE


@pytest.fixture
def study() -> Study:
    return opened()


def test_an_attempt_is_ended_by_the_first_that_tells(study: Study) -> None:
    trial = asked(study)
    assert tell(study, trial.number, TrialState.COMPLETE, 0.5)
    assert not tell(study, trial.number, TrialState.FAIL)
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE]


def leave_running(study: Study) -> None:
    asked(study)


def leave_running_in_a_dead_process(study: Study) -> None:
    owned(study, replace(this_process(), start_mark=0))  # its pid is another process's now


def leave_unsigned(study: Study) -> None:
    study.ask()


def leave_nothing(study: Study) -> None:
    requeue(study, asked(study).number)


def leave_epochs(study: Study) -> None:
    trial = asked(study)
    trial.report(0.5, 1)
    requeue(study, trial.number)


def leave_epochs_in_a_dead_process(study: Study) -> None:
    asked(study).report(0.5, 1)
    leave_running_in_a_dead_process(study)


def make_a_mistake(study: Study) -> None:
    trial = asked(study)
    trial.report(0.5, 1)
    trial.set_user_attr(CONFIG_ERROR, "no such metric")
    study.tell(trial, state=TrialState.FAIL)


def fail_one(study: Study) -> None:
    fail(study, asked(study))


@pytest.mark.parametrize(
    ("work", "worthless"),
    [
        (leave_running, False),
        (leave_unsigned, False),
        (fail_one, False),
        (leave_epochs, False),
        (leave_epochs_in_a_dead_process, False),
        (make_a_mistake, True),
        (leave_running_in_a_dead_process, True),
        (leave_nothing, True),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_a_study_is_worthless_without_a_result_an_epoch_or_a_trial_that_runs(
    study: Study, work: Callable[[Study], None], worthless: bool
) -> None:
    work(study)
    assert is_worthless(study) == worthless


# a study that goes on


@pytest.mark.parametrize("direction", ["min", "minimize", "max", "maximize"])
def test_directions_have_two_names(direction: str) -> None:
    study = opened(direction=direction)
    assert study.direction == (MINIMIZE if direction.startswith("min") else MAXIMIZE)


def test_a_study_keeps_its_direction() -> None:
    storage = InMemoryStorage()
    opened(storage, direction="min")
    message = "^objective.mode must stay minimize in study study; got max; or use another study_name$"
    with pytest.raises(UserError, match=message):
        opened(storage, direction="max")


def test_opening_a_study_that_is_there_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "study.journal"
    opened(open_journal(path))
    before = path.read_bytes()
    opened(open_journal(path))
    assert path.read_bytes() == before


def test_a_study_may_go_on_without_a_key() -> None:
    storage = InMemoryStorage()
    asked(opened(storage)).suggest_float("x", 0, 1)
    study = opened(storage, space=parse_space({}, ["y=interval(0,1)"]))
    assert [list(trial.params) for trial in study.trials] == [["x"]]


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
