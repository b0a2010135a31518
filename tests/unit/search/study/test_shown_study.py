"""What Optuna's samplers and pruners see of a study in one stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import optuna
import pytest
from omegaconf import OmegaConf
from optuna import Trial
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    PatientPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
    ThresholdPruner,
    WilcoxonPruner,
)
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, NSGAIISampler, QMCSampler, RandomSampler, TPESampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState
from studies import asked, opened, settings_of

from tunesmith.search.sampling.param_sampler import ParamSampler
from tunesmith.search.sampling.sampler import scope_of
from tunesmith.search.space.space import Space, parse_space
from tunesmith.search.stages.stage import Stage
from tunesmith.search.study.config_record import Base, ConfigRecord
from tunesmith.search.study.study_of_space import StudyOfSpace

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")

WIDE = parse_space({}, ["x=interval(0,1)", "y=tag(log,interval(1e-4,1))", "kind=a,b,c"])
NARROW = parse_space({}, ["x=interval(0.4,0.6)", "y=tag(log,interval(1e-4,1))", "kind=a,c"])
NUMBERS = parse_space({}, ["x=interval(0,1)", "y=interval(0,1)"])
FEWER_NUMBERS = parse_space({}, ["x=interval(0.4,0.6)", "y=interval(0,1)"])


class StudyOfStages:
    """A study in memory, whose stages run one after the other in this process."""

    def __init__(self, whole: Space = WIDE) -> None:
        self.storage = InMemoryStorage()
        self.whole = whole

    def stage(
        self,
        name: str | None,
        space: Space,
        sampler: BaseSampler,
        pruner: BasePruner | None = None,
        fraction: float = 1.0,
        **more: Any,
    ) -> StageRun:
        """fraction: of the data, in the stage's config."""
        stage = Stage(name, space, sampler, None, 100, self.whole.dimensions, **more)
        config = {"x": 0.5, "y": 0.1, "kind": "a", "data": {"fraction": fraction}}
        keys = tuple(each.plain_key for each in scope_of(stage).recorded.values())
        record = ConfigRecord(keys, (Base({}, config),), stage=name)
        study = opened(self.storage, sampler, pruner, record=record, scope=scope_of(stage))
        record.write(study)
        return StageRun(study, ParamSampler(settings_of(seed=0), stage, OmegaConf.create()))


class StageRun:
    def __init__(self, study: StudyOfSpace, draw: ParamSampler) -> None:
        self.study = study
        self._draw = draw

    def begin(self) -> tuple[Trial, Mapping[str, Any]]:
        trial = asked(self.study)
        return trial, self._draw.draw(trial)

    def run(self, number: int, value_of: Callable[[Mapping[str, Any]], float] | None = None) -> list[Mapping[str, Any]]:
        drawn = []
        for _ in range(number):
            trial, params = self.begin()
            self.study.shown.tell(trial, (value_of or distance)(params))
            drawn.append(params)
        return drawn

    def shown(self, *states: TrialState) -> list[FrozenTrial]:
        return self.study.shown.get_trials(deepcopy=False, states=states or (TrialState.COMPLETE, TrialState.PRUNED))


def distance(params: Mapping[str, Any]) -> float:
    return (float(params.get("x", 0.5)) - 0.45) ** 2 + (float(params["y"]) - 0.3) ** 2


@pytest.fixture
def stages() -> StudyOfStages:
    return StudyOfStages()


def test_a_study_without_stages_shows_its_trials_as_they_are(stages: StudyOfStages) -> None:
    run = stages.stage(None, WIDE, RandomSampler(seed=0))
    run.run(5)
    stored = stages.storage.get_all_trials(0, deepcopy=False)
    assert all(one is other for one, other in zip(run.study.shown.get_trials(deepcopy=False), stored, strict=True))


def test_trials_within_a_narrowed_range_are_told_under_it_and_the_others_are_hidden_in_their_places(
    stages: StudyOfStages,
) -> None:
    before = stages.stage("wide", WIDE, RandomSampler(seed=0)).run(30)
    run = stages.stage("narrow", NARROW, RandomSampler(seed=0))
    inside = [n for n, params in enumerate(before) if 0.4 <= params["x"] <= 0.6 and params["kind"] != "b"]
    assert 0 < len(inside) < 30
    shown = run.shown()
    assert [trial.number for trial in shown] == inside
    assert [trial.params for trial in shown] == [before[number] for number in inside]
    assert all(
        trial.distributions == {key: each.distribution for key, each in NARROW.dimensions.items()} for trial in shown
    )
    assert [trial.number for trial in run.study.shown.get_trials(deepcopy=False)] == list(range(30))


def test_a_narrowed_choice_is_drawn_from_its_part_and_stored_under_all_choices(stages: StudyOfStages) -> None:
    stages.stage("wide", WIDE, RandomSampler(seed=0)).run(2)
    run = stages.stage("narrow", NARROW, TPESampler(seed=0, n_startup_trials=3))
    drawn = run.run(15)
    assert {params["kind"] for params in drawn} == {"a", "c"}
    stored = {trial.distributions["kind"] for trial in stages.storage.get_all_trials(0)}
    assert [each.choices for each in stored] == [("a", "b", "c")]
    assert len(run.shown()) >= 15


def test_trials_on_other_data_are_hidden_and_change_no_draw_of_tpe() -> None:
    def draws(number: int) -> list[Mapping[str, Any]]:
        stages = StudyOfStages()
        subset = stages.stage("subset", WIDE, RandomSampler(seed=1), fraction=0.125)
        subset.run(number, lambda params: -distance(params))
        run = stages.stage("full", WIDE, TPESampler(seed=0, n_startup_trials=4))
        return run.run(12)

    assert draws(20) == draws(0)


@pytest.mark.parametrize("held", [0.5, 0.2], ids=["the config's value", "another value"])
def test_of_a_held_key_trials_with_its_value_are_shown(stages: StudyOfStages, held: float) -> None:
    only_y = parse_space({}, ["y=tag(log,interval(1e-4,1))"])
    stages.stage("y", only_y, RandomSampler(seed=0)).run(3)  # x stays at .5, that of the config
    run = stages.stage("next", only_y, RandomSampler(seed=1), held={"x": held})
    assert len(run.shown()) == (3 if held == 0.5 else 0)
    (drawn,) = run.run(1)
    assert drawn["x"] == held
    own = stages.storage.get_all_trials(0)[3]
    assert (own.params["x"], own.distributions["x"]) == (held, WIDE.dimensions["x"].distribution)
    assert run.shown()[-1].params.keys() == {"y"}


def test_the_configuration_as_it_stands_is_hidden_if_it_has_a_key_outside_of_its_range(stages: StudyOfStages) -> None:
    far = parse_space({}, ["x=interval(0.6,1)", "y=interval(0,1)"])
    sampler = CmaEsSampler(seed=0, n_startup_trials=1)
    run = StudyOfStages(far).stage(None, far, sampler, points=({},))
    assert run.run(1) == [{"y": 0.1}]  # x keeps the config's .5
    assert run.shown() == []
    run.run(2)
    assert [trial.params.keys() for trial in run.shown()] == [{"x", "y"}, {"x", "y"}]


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: GPSampler(seed=0, n_startup_trials=4), id="gp", marks=pytest.mark.slow),
        pytest.param(lambda: CmaEsSampler(seed=0, n_startup_trials=4), id="cmaes"),
        pytest.param(lambda: TPESampler(seed=0, n_startup_trials=4), id="tpe"),
    ],
)
def test_a_narrowed_key_is_drawn_together_with_the_others_after_the_startup(
    make: Callable[[], BaseSampler], monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = StudyOfStages(NUMBERS)
    stages.stage("wide", NUMBERS, RandomSampler(seed=0)).run(40)
    sampler = make()
    alone: list[str] = []
    run = stages.stage("narrow", FEWER_NUMBERS, sampler)
    assert len(run.shown()) > 4
    draw = sampler.sample_independent
    monkeypatch.setattr(sampler, "sample_independent", lambda *given: (alone.append(given[2]), draw(*given))[1])
    for params in run.run(6):
        assert 0.4 <= params["x"] <= 0.6
    assert alone == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: TPESampler(seed=0, n_startup_trials=3),
        lambda: CmaEsSampler(seed=0, n_startup_trials=3),
        lambda: QMCSampler(seed=0),
        lambda: NSGAIISampler(seed=0, population_size=4),
        lambda: RandomSampler(seed=0),
    ],
    ids=["tpe", "cmaes", "qmc", "nsgaii", "random"],
)
def test_each_sampler_runs_two_stages_of_one_study(make: Callable[[], BaseSampler]) -> None:
    stages = StudyOfStages(NUMBERS)
    stages.stage("wide", NUMBERS, make()).run(12)
    drawn = stages.stage("narrow", FEWER_NUMBERS, make()).run(12)
    assert all(0.4 <= params["x"] <= 0.6 for params in drawn)
    assert len({params["x"] for params in drawn}) > 6


def test_the_state_of_a_stages_sampler_is_not_shown_to_the_next_stage() -> None:
    stages = StudyOfStages(NUMBERS)
    stages.stage("wide", NUMBERS, CmaEsSampler(seed=0, n_startup_trials=2)).run(8)
    stages.stage("population", NUMBERS, NSGAIISampler(seed=0, population_size=4)).run(9)
    run = stages.stage("narrow", NUMBERS, CmaEsSampler(seed=0, n_startup_trials=2))
    assert len(run.shown()) == 17
    assert not any(trial.system_attrs for trial in run.shown())
    assert run.study.shown._storage.get_study_system_attrs(0) == {}


PRUNERS: dict[str, Callable[[], BasePruner]] = {
    "median": lambda: MedianPruner(n_startup_trials=2, n_warmup_steps=0),
    "percentile": lambda: PercentilePruner(25.0, n_startup_trials=2),
    "hyperband": lambda: HyperbandPruner(min_resource=1, max_resource=4, reduction_factor=2),
    "asha": lambda: SuccessiveHalvingPruner(min_resource=1, reduction_factor=2),
    "patient": lambda: PatientPruner(MedianPruner(n_startup_trials=2), patience=0),
    "threshold": lambda: ThresholdPruner(upper=3.0),
    "wilcoxon": lambda: WilcoxonPruner(n_startup_steps=1),
}


@pytest.mark.parametrize("name", [name for name in PRUNERS if name != "hyperband"])  # goes by numbers: see below
def test_each_pruner_judges_as_if_trials_on_other_data_were_not_there(name: str) -> None:
    def judged(has_other_data: bool) -> list[list[bool]]:
        stages = StudyOfStages(NUMBERS)
        subset = stages.stage("subset", NUMBERS, RandomSampler(seed=1), PRUNERS[name](), fraction=0.125)
        for _ in range(16 if has_other_data else 0):
            _judge(subset, -5.0)
        full = stages.stage("full", NUMBERS, RandomSampler(seed=0), PRUNERS[name]())
        return [_judge(full, float(index % 5)) for index in range(12)]

    assert judged(True) == judged(False)


def _judge(run: StageRun, value: float) -> list[bool]:
    """Report four steps; return whether the trial is to be pruned after each."""
    trial, _ = run.begin()
    found = []
    for step in range(1, 5):
        trial.report(value + 1 / step, step)
        found.append(trial.should_prune())
        if found[-1]:
            run.study.shown.tell(trial, state=TrialState.PRUNED)
            return found
    run.study.shown.tell(trial, value)
    return found


def test_hyperbands_brackets_hold_no_trials_on_other_data() -> None:
    stages = StudyOfStages(NUMBERS)
    subset = stages.stage("subset", NUMBERS, RandomSampler(seed=1), PRUNERS["hyperband"](), fraction=0.125)
    for _ in range(12):
        _judge(subset, -5.0)
    pruner = PRUNERS["hyperband"]()
    full = stages.stage("full", NUMBERS, RandomSampler(seed=0), pruner)
    for index in range(12):
        _judge(full, float(index % 5))
    trial, _ = full.begin()
    bracket = optuna.pruners._filter_study(full.study.shown, stages.storage.get_trial(trial._trial_id))
    assert type(bracket).__name__ == "_BracketStudy"
    seen = [
        each for each in bracket.get_trials(deepcopy=False) if each.state.is_finished() and each.intermediate_values
    ]
    assert seen
    assert min(each.number for each in seen) >= 12
