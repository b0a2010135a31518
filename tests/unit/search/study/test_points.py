"""Points that a stage lists: each is run once, first, in their order."""

from __future__ import annotations

from typing import Any

import pytest
from omegaconf import OmegaConf
from optuna import Trial
from optuna.samplers import RandomSampler
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from studies import OvertakenStorage, opened, settings_of

from tunesmith.search.attribute_names import POINT, STAGE, SURPLUS
from tunesmith.search.sampling.param_sampler import ParamSampler
from tunesmith.search.sampling.sampler import scope_of
from tunesmith.search.space.dimension import Params
from tunesmith.search.space.space import parse_space
from tunesmith.search.stages.stage import Stage
from tunesmith.search.study.budget import ask, keeps_point
from tunesmith.search.study.config_record import Base, ConfigRecord
from tunesmith.search.study.counts import num_counted
from tunesmith.search.study.retries import requeue
from tunesmith.search.study.study_of_space import StudyOfSpace
from tunesmith.search.study.trial import Attempt, State

NUMBERS = parse_space({}, ["x=interval(0,1)", "y=interval(0,1)"])
FINITE = parse_space({}, ["a=1,2,3", "b=10,20"])
RANDOM = OmegaConf.create({"_target_": "optuna.samplers.RandomSampler", "seed": None})
CONFIG = {"x": 0.5, "y": 7.0, "a": 2, "b": 10}  # y lies outside of its range


def stage_of(space: Any = NUMBERS, *points: Params, **more: Any) -> Stage:
    return Stage("s", space, RANDOM, None, **{"n_trials": 9, "points": points, **more})


def study_of(stage: Stage, storage: InMemoryStorage | None = None) -> StudyOfSpace:
    scope = scope_of(stage)
    record = ConfigRecord(tuple(each.plain_key for each in scope.recorded.values()), (Base({}, CONFIG),), stage="s")
    study = opened(storage, RandomSampler(seed=0), record=record, scope=scope)
    record.write(study)
    return study


def begin(study: StudyOfSpace, stage: Stage) -> tuple[Trial, Params] | None:
    """Begin a trial and have it draw, as a worker does; None if the stage has none, or the point is taken."""
    trial = ask(study, study.run_once.most_trials(stage.n_trials))
    if trial is None:
        return None
    params = ParamSampler(settings_of(seed=0), stage, OmegaConf.create()).draw(trial)
    return (trial, params) if keeps_point(study, trial) else None


def run(study: StudyOfSpace, stage: Stage) -> list[Params]:
    """Run the stage to its end; return the values of its trials."""
    drawn = []
    while (begun := begin(study, stage)) is not None:
        study.shown.tell(begun[0], 0.5)
        drawn.append(begun[1])
    return drawn


def test_points_run_first_in_their_order_and_the_sampler_draws_the_rest() -> None:
    points = ({"x": 0.25, "y": 0.75}, {"x": 1.0, "y": 0.0})
    stage = stage_of(NUMBERS, *points, n_trials=4)
    drawn = run(study_of(stage), stage)
    assert drawn[:2] == list(points)
    assert len(drawn) == 4
    assert all(params.keys() == {"x", "y"} for params in drawn)


def test_a_stage_of_points_alone_runs_each_once_and_ends() -> None:
    stage = stage_of(NUMBERS, {"x": 0.25, "y": 0.75}, {"x": 0.25, "y": 0.75}, {"x": 1.0, "y": 0.0}, only_points=True)
    study = study_of(stage)
    assert run(study, stage) == [{"x": 0.25, "y": 0.75}, {"x": 1.0, "y": 0.0}]
    assert num_counted(study.get_trials(deepcopy=False)) == study.run_once.most_trials(9) == 2


def test_the_configuration_as_it_stands_records_those_of_its_values_that_its_keys_vary_over() -> None:
    stage = stage_of(NUMBERS, {}, only_points=True)
    study = study_of(stage)
    assert run(study, stage) == [{"x": 0.5}]
    (trial,) = study.get_trials()
    assert (trial.params, trial.user_attrs[STAGE]) == ({"x": 0.5}, "s")
    assert Attempt(trial).state is State.COMPLETE


def test_a_point_of_an_enumerated_space_runs_first_and_not_again() -> None:
    stage = stage_of(FINITE, {"a": 3, "b": 20}, {"a": 3, "b": 20}, {})
    drawn = [(params["a"], params["b"]) for params in run(study_of(stage), stage)]
    assert drawn == [(3, 20), (2, 10), (1, 10), (1, 20), (2, 20), (3, 10)]


def test_a_space_without_keys_has_one_point() -> None:
    stage = stage_of(parse_space({}, ["a=1"]), {})
    study = study_of(stage)
    assert study.run_once.most_trials(9) == 1
    assert run(study, stage) == [{}]


def test_a_point_with_a_key_of_its_own_is_no_point_of_the_space() -> None:
    whole = parse_space({}, ["a=1,2,3", "b=10,20", "seed=0,1"]).dimensions
    stage = stage_of(FINITE, {"a": 1, "b": 10, "seed": 1}, whole=whole)
    drawn = run(study_of(stage), stage)
    assert len(drawn) == 7
    assert drawn[0] == {"a": 1, "b": 10, "seed": 1}
    assert {(params["a"], params["b"]) for params in drawn[1:]} == {(a, b) for a in (1, 2, 3) for b in (10, 20)}


def test_two_workers_that_ask_at_once_run_each_point_once() -> None:
    storage = OvertakenStorage()
    stage = stage_of(NUMBERS, {"x": 0.1, "y": 0.1}, {"x": 0.2, "y": 0.2}, only_points=True)
    study, other = study_of(stage, storage), study_of(stage, storage)
    ran: list[Params] = []

    def overtake() -> None:
        begun = begin(other, stage)
        assert begun is not None
        other.shown.tell(begun[0], 0.5)
        ran.append(begun[1])

    storage.overtake = overtake
    assert begin(study, stage) is None
    assert SURPLUS in study.get_trials()[1].user_attrs
    ran += run(study, stage)
    assert ran == [{"x": 0.1, "y": 0.1}, {"x": 0.2, "y": 0.2}]


@pytest.mark.parametrize("has_drawn", [True, False], ids=["after its draw", "before its draw"])
def test_a_lost_trial_keeps_its_point_for_its_retry(has_drawn: bool) -> None:
    stage = stage_of(NUMBERS, {"x": 0.1}, {"x": 0.2, "y": 0.2}, only_points=True)
    study = study_of(stage)
    lost = ask(study, 2)
    assert lost is not None
    if has_drawn:
        ParamSampler(settings_of(seed=0), stage, OmegaConf.create()).draw(lost)
    requeue(study, lost.number)
    assert run(study, stage) == [{"x": 0.1}, {"x": 0.2, "y": 0.2}]
    retry = study.get_trials()[1]
    assert (Attempt(retry).retry_of, Attempt(retry).stage, retry.system_attrs[POINT]) == (0, "s", {"x": 0.1})


def test_a_point_that_a_trial_of_the_sampler_has_run_is_not_run_again() -> None:
    without, stage = stage_of(NUMBERS, n_trials=1), stage_of(NUMBERS, {"x": 0.1, "y": 0.1}, only_points=True)
    storage = InMemoryStorage()
    trial = ask(study_of(without, storage), 1)
    assert trial is not None
    assert (trial.suggest_float("x", 0.1, 0.1), trial.suggest_float("y", 0.1, 0.1)) == (0.1, 0.1)
    study = study_of(stage, storage)
    study.tell(trial.number, 0.5)
    assert run(study, stage) == []


def test_trials_of_another_stage_hold_no_point() -> None:
    stage = stage_of(NUMBERS, {"x": 0.1, "y": 0.1}, only_points=True)
    storage = InMemoryStorage()
    study = study_of(stage, storage)
    trial = study.ask()
    trial.set_user_attr(STAGE, "before")
    assert (trial.suggest_float("x", 0.1, 0.1), trial.suggest_float("y", 0.1, 0.1)) == (0.1, 0.1)
    study.tell(trial, 0.5)
    assert run(study, stage) == [{"x": 0.1, "y": 0.1}]
    assert [Attempt(each).state for each in study.get_trials()] == [State.OUTSIDE, State.COMPLETE]


def test_what_another_hand_has_queued_runs_in_the_stage_that_takes_it() -> None:
    stage = stage_of(NUMBERS, n_trials=2)
    study = study_of(stage)
    study.enqueue_trial({"x": 0.25})
    drawn = run(study, stage)
    assert (len(drawn), drawn[0]["x"]) == (2, 0.25)
    assert [trial.user_attrs[STAGE] for trial in study.get_trials()] == ["s", "s"]
    assert all(trial.state == TrialState.COMPLETE for trial in study.get_trials())
