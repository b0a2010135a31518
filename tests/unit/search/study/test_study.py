"""The study: counts, what may change on a resume, the best of its trials."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from optuna import Study, Trial
from optuna.pruners import NopPruner
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from tunesmith.errors import UserError
from tunesmith.search.sampling.sampler import FIRST_ATTEMPT, SURPLUS
from tunesmith.search.space.space import Space, parse_space
from tunesmith.search.storage.storage import open_journal
from tunesmith.search.study.attempts import ask, requeue
from tunesmith.search.study.owner import this_process
from tunesmith.search.study.study import (
    CONFIG_ERROR,
    EPOCHS,
    OWNER,
    REASON,
    Counts,
    best_trial,
    count,
    folder_name,
    is_counted,
    is_lost,
    is_over,
    is_worthless,
    num_epochs,
    open_study,
    trial_value,
)

X = parse_space({}, ["x=interval(0,1)"])
MINIMIZE, MAXIMIZE = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE


def opened(storage: BaseStorage, space: Space = X, direction: str = "min") -> Study:
    return open_study(storage, "study", direction, NopPruner(), space)


@pytest.fixture
def study() -> Study:
    return opened(InMemoryStorage())


def asked(study: Study, n_trials: int = 100) -> Trial:
    trial = ask(study, n_trials)
    assert trial is not None
    return trial


def fail(study: Study, trial: Trial) -> None:
    trial.set_user_attr(REASON, "a bug")
    study.tell(trial, state=TrialState.FAIL)


# counts


@pytest.mark.parametrize(
    ("trial", "counted", "lost"),
    [
        pytest.param(create_trial(value=0.5), True, False, id="complete"),
        pytest.param(create_trial(state=TrialState.PRUNED), True, False, id="pruned"),
        pytest.param(create_trial(state=TrialState.FAIL, user_attrs={REASON: "a bug"}), True, False, id="failed"),
        pytest.param(create_trial(state=TrialState.FAIL), False, True, id="lost"),
        pytest.param(create_trial(state=TrialState.FAIL, user_attrs={SURPLUS: True}), False, False, id="withdrawn"),
        pytest.param(create_trial(state=TrialState.RUNNING), False, False, id="running"),
        pytest.param(create_trial(state=TrialState.WAITING), False, False, id="waiting"),
    ],
)
def test_what_counts(trial: FrozenTrial, counted: bool, lost: bool) -> None:
    assert (is_counted(trial), is_lost(trial)) == (counted, lost)
    assert is_over([trial], 1) == counted


def test_counts(study: Study) -> None:
    study.tell(asked(study), 0.5)
    study.tell(asked(study), state=TrialState.PRUNED)
    fail(study, asked(study))
    requeue(study, asked(study).number)
    study.tell(asked(study), 0.5)  # the lost one's retry
    asked(study)
    assert count(study) == Counts(complete=2, pruned=1, failed=1, lost=1)
    assert count(study).counted == 4
    assert [is_over(study.trials, n_trials) for n_trials in (3, 4, 5)] == [True, True, False]


def leave_running(study: Study) -> None:
    asked(study)


def leave_running_in_a_dead_process(study: Study) -> None:
    asked(study).set_user_attr(OWNER, {**this_process(), "started": 0.0})  # its pid is another's now


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


@pytest.mark.parametrize(
    ("attrs", "name"),
    [pytest.param({}, "3", id="a first attempt"), pytest.param({FIRST_ATTEMPT: 1}, "1", id="a later one")],
)
def test_all_attempts_have_the_folder_of_the_first(attrs: dict[str, int], name: str) -> None:
    trial = create_trial(value=0.5, user_attrs=attrs)
    trial.number = 3
    assert folder_name(trial) == name


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
    study = opened(storage, wider)
    wider.dimensions["x"].suggest(asked(study))
    assert [list(trial.params) for trial in study.trials] == [["x"], ["x"]]


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
    study = opened(storage, parse_space({}, ["y=interval(0,1)"]))
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
