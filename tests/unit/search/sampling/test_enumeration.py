"""The enumeration of a small space: each point once, whoever draws and whatever is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from omegaconf import DictConfig, OmegaConf
from optuna import Study, TrialPruned
from optuna.pruners import HyperbandPruner
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from studies import opened, settings_of, stage_of
from study_app import StudyApp, study_app

from tunesmith.search.attribute_names import SURPLUS
from tunesmith.search.sampling.enumeration import Enumeration
from tunesmith.search.sampling.param_sampler import ParamSampler
from tunesmith.search.sampling.sampler import is_enumerated
from tunesmith.search.space.space import Space, parse_space
from tunesmith.search.study.budget import ask, keeps_point
from tunesmith.search.study.config_record import Base, ConfigRecord
from tunesmith.search.study.retries import requeue

FINITE = parse_space({}, ["a=1,2", "b=range(0.1,0.3,step=0.1)"])
POINTS = [(1, 0.1), (1, 0.2), (1, 0.3), (2, 0.1), (2, 0.2), (2, 0.3)]


def study_with(sampler: Enumeration, storage: InMemoryStorage | None = None) -> Study:
    return opened(storage, sampler, space=FINITE, is_enumerated=True)


def draw(study: Study, space: Space, n: int) -> list[tuple[Any, ...]]:
    """Run n trials; return their values."""
    drawn = []
    for _ in range(n):
        trial = study.ask()
        drawn.append(tuple(dimension.suggest(trial) for dimension in space.dimensions.values()))
        study.tell(trial, 0.5)
    return drawn


def test_an_enumeration_goes_on_in_another_process() -> None:
    storage = InMemoryStorage()
    drawn = [draw(study_with(Enumeration(FINITE), storage=storage), FINITE, 3) for _ in range(2)]
    assert drawn[0] + drawn[1] == POINTS


@pytest.mark.parametrize("has_drawn", [True, False], ids=["after its draw", "before its draw"])
def test_each_point_is_given_once_where_a_trial_is_lost(has_drawn: bool) -> None:
    study = study_with(Enumeration(FINITE))
    drawn = draw(study, FINITE, 2)
    lost = ask(study, 6)
    assert lost is not None
    if has_drawn:
        FINITE.dimensions["a"].suggest(lost)
    other = study.ask()  # another worker's, asked for meanwhile
    requeue(study, lost.number)
    drawn += draw(study, FINITE, 1)
    drawn.append(tuple(dimension.suggest(other) for dimension in FINITE.dimensions.values()))
    assert Counter(drawn + draw(study, FINITE, 2)) == Counter(POINTS)


def test_a_trial_that_was_withdrawn_takes_no_point() -> None:
    study = study_with(Enumeration(FINITE))
    surplus = study.ask()
    surplus.set_user_attr(SURPLUS, True)
    study.tell(surplus, state=TrialState.FAIL)
    assert draw(study, FINITE, 6) == POINTS


def test_the_trials_of_hyperbands_other_brackets_take_points_too() -> None:
    pruner = HyperbandPruner(max_resource=27)
    study = opened(sampler=Enumeration(FINITE), pruner=pruner, space=FINITE, is_enumerated=True)
    drawn = []
    for _ in POINTS:
        trial = study.ask()
        drawn.append(tuple(dimension.suggest(trial) for dimension in FINITE.dimensions.values()))
        trial.report(0.5, 1)
        trial.should_prune()  # from here on the pruner knows its brackets
        study.tell(trial, 0.5)
    assert drawn == POINTS


def test_two_that_ask_at_the_same_time_get_two_points() -> None:
    study = study_with(Enumeration(FINITE))
    pair = [study.ask(), study.ask()]
    drawn = [tuple(dimension.suggest(trial) for dimension in FINITE.dimensions.values()) for trial in reversed(pair)]
    assert drawn == [POINTS[1], POINTS[0]]


# a space that grows, shrinks or moves in between

CONFIG = {"x": 0, "y": 1, "z": "${y}", "layers": [8]}


def sampler_config(name: str) -> DictConfig:
    return OmegaConf.create({"_target_": f"optuna.samplers.{name}", "seed": None})


class Command:
    """Runs one study's trials, as one command after the other would; ran: the values of all trials, in their order."""

    def __init__(self) -> None:
        self.storage = InMemoryStorage()
        self.ran: list[dict[str, Any]] = []

    def __call__(self, *typed: str, sampler: str = "RandomSampler", n_trials: int = 24) -> list[dict[str, Any]]:
        """Run trials until n_trials count, or all points; return those that ran."""
        since = len(self.ran)
        space = parse_space({}, typed)
        fixed = OmegaConf.to_container(OmegaConf.from_dotlist(list(space.fixed)))
        assert isinstance(fixed, dict)
        config = {**CONFIG, **fixed}
        record = ConfigRecord(tuple(key.lstrip("+") for key in space.dimensions), (Base({}, config),))
        settings = settings_of(sampler=sampler_config(sampler), n_trials=n_trials, seed=0)
        enumerated = is_enumerated(settings.sampler, space, n_trials)
        study = opened(self.storage, space=space, record=record, is_enumerated=enumerated)
        record.write(study)
        draw = ParamSampler(settings, stage_of(space, settings), OmegaConf.create(config)).draw
        while (trial := ask(study, min(n_trials, space.num_points() or n_trials))) is not None:
            values = {**config, **{key.lstrip("+"): value for key, value in draw(trial).items()}}
            if keeps_point(study, trial):
                self.ran.append(values)
                study.tell(trial, 0.5)
        return self.ran[since:]


def points(ran: list[dict[str, Any]], *keys: str) -> list[tuple[Any, ...]]:
    return [tuple(values.get(key) for key in keys) for values in ran]


@pytest.mark.parametrize("sampler", ["RandomSampler", "TPESampler", "GridSampler"])
@pytest.mark.parametrize(
    ("xs", "ys"),
    [
        pytest.param("range(1,3)", "range(1,4)", id="ranges"),
        pytest.param("1,2,3", "range(0.1,0.4,step=0.1)", id="steps of a tenth"),
        pytest.param("1,2,3", "'a b',[1,2],null,true", id="choices of all kinds"),
    ],
)
def test_the_points_that_are_missing_run_once_whatever_drew_the_earlier_ones(sampler: str, xs: str, ys: str) -> None:
    command = Command()
    typed = (f"x={xs}", f"y={ys}")
    before = set(points(command(*typed, sampler=sampler, n_trials=6), "x", "y"))
    after = points(command(*typed, sampler=sampler, n_trials=12), "x", "y")
    assert len(after) == len(set(after)) == 12 - len(before)
    assert not before & set(after)
    assert command(*typed, sampler=sampler, n_trials=12) == []


@pytest.mark.parametrize(
    ("before", "now", "missing"),
    [
        pytest.param(["x=1,2"], ["x=1,2,3,4"], [(3, 1), (4, 1)], id="more choices"),
        pytest.param(["x=range(1,2)"], ["x=range(1,4)"], [(3, 1), (4, 1)], id="a wider range"),
        pytest.param(["x=range(2,6,step=2)"], ["x=range(1,4)"], [(1, 1), (3, 1)], id="a finer range"),
        pytest.param(["x=1,2,3"], ["x=3,4"], [(4, 1)], id="fewer and other choices"),
        pytest.param(["x=1,2"], ["x=range(1,3)"], [(3, 1)], id="a range after choices"),
        pytest.param(["x=range(1,2)"], ["x=2,5"], [(5, 1)], id="choices after a range"),
        pytest.param(["x=1,2"], ["x=1,2", "y=1,2"], [(1, 2), (2, 2)], id="a further key"),
        pytest.param(["x=1,2", "y=1"], ["x=2,3", "y=2,1"], [(2, 2), (3, 2), (3, 1)], id="a key that was fixed"),
        pytest.param(["x=1,2", "y=1,2"], ["x=1,2,3", "y=2"], [(3, 2)], id="a key fixed anew"),
        pytest.param(["x=1,2", "y=1,2"], ["x=1,2"], [], id="a key that varies no more"),
        pytest.param(["x=1,2"], ["y=1,2"], [(0, 1), (0, 2)], id="another key"),
        pytest.param(["x=1,2", "y=5,6"], ["x=1,2", "y=7"], [(1, 7), (2, 7)], id="a value that was never run"),
        pytest.param(["x=1,0"], ["x=true,2"], [(True, 1), (2, 1)], id="true is not 1"),
        pytest.param(["x=1,2"], ["x='1',1"], [("1", 1)], id="a text is no number"),
        pytest.param(["x=range(0.1,0.3,step=0.1)"], ["x=range(0.3,0.5,step=0.1)"], [(0.4, 1), (0.5, 1)], id="tenths"),
        pytest.param(["x=1", "y=[1,2],[3]"], ["x=1", "y=[3],[1,2],[4]"], [(1, "[4]")], id="lists"),
        pytest.param(["x=1,2"], ["x=1,2", "layers=[8],[9]"], [(1, 1), (2, 1)], id="a list that was fixed"),
        pytest.param(["x=1"], ["x=1,2", "z=1,3"], [(1, 1), (2, 1), (2, 1)], id="a key that was an interpolation"),
    ],
)
def test_what_has_run_counts_for_the_points_that_it_is(
    before: list[str], now: list[str], missing: list[tuple[Any, ...]]
) -> None:
    command = Command()
    command(*before)
    assert repr(points(command(*now), "x", "y")) == repr(missing)
    assert command(*now) == []


def test_a_key_that_the_app_lacked_has_run_for_no_value() -> None:
    command = Command()
    command("x=1,2")
    assert points(command("x=1,2", "+new=null,1"), "x", "new") == [(1, None), (1, 1), (2, None), (2, 1)]


def test_a_grid_runs_in_parts() -> None:
    command = Command()
    for n in (2, 5, 9):
        command("x=1,2,3", "y=1,2", sampler="GridSampler", n_trials=n)
    assert points(command.ran, "x", "y") == [(x, y) for x in (1, 2, 3) for y in (1, 2)]


def test_a_trial_that_was_enqueued_takes_its_point() -> None:
    command = Command()
    command("x=1,2,3", "y=1,2", sampler="GridSampler", n_trials=1)
    optuna.load_study(study_name="study", storage=command.storage).enqueue_trial({"x": 2, "y": 2})
    command("x=1,2,3", "y=1,2")
    assert Counter(points(command.ran, "x", "y")) == Counter((x, y) for x in (1, 2, 3) for y in (1, 2))
    assert points(command.ran, "x", "y")[1] == (2, 2)


def test_trials_outside_the_space_leave_the_budget_alone() -> None:
    command = Command()
    assert [len(command(f"x=interval({low},{low + 1})", n_trials=n)) for low, n in ((0, 3), (5, 2), (0, 4))] == [
        3,
        2,
        1,
    ]


# the same by the commands of an app


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StudyApp]:
    with study_app(tmp_path, monkeypatch) as app:
        yield app


def test_a_study_is_enumerated_after_random_draws(app: StudyApp) -> None:
    typed = ("x=range(1,3)", "y=range(1,4)")
    app.sweep(*typed, "hydra.sweeper.n_trials=6")
    before = set(app.points("x", "y"))
    app.sweep(*typed, "hydra.sweeper.n_trials=12")
    after = app.points("x", "y", since=6)
    assert len(before) < 6, "the six draws repeat a point"
    assert sorted(after) == sorted({(x, y) for x in (1, 2, 3) for y in (1, 2, 3, 4)} - before)


@pytest.mark.parametrize(
    ("before", "now", "missing"),
    [
        pytest.param([], ["model=mlp,cnn"], ["cnn"], id="a group that was fixed"),
        pytest.param(["model=cnn"], ["model=mlp,cnn"], ["mlp"], id="a group that was typed"),
        pytest.param(["model=mlp,cnn"], ["model=cnn"], [], id="a group fixed anew"),
    ],
)
def test_a_groups_choice_is_a_value_as_well(
    app: StudyApp, before: list[str], now: list[str], missing: list[str]
) -> None:
    app.sweep("x=1", *before)
    num_before = len(app.ran)
    app.sweep("x=1", *now)
    assert [config["model"]["kind"] for config in app.ran[num_before:]] == missing


def test_a_group_that_was_null_has_run_for_no_option(app: StudyApp) -> None:
    app.sweep("x=1")
    app.sweep("x=1", "db=mysql,pg")
    assert [config["db"]["name"] for config in app.ran[1:]] == ["mysql", "pg"]


def test_the_best_is_a_point_of_the_space(app: StudyApp, capsys: pytest.CaptureFixture[str]) -> None:
    app.sweep("x=0,1,2,3")
    found = app.sweep("x=3,2,5")
    assert (found["best_value"], found["best_trial"], found["trials"]["complete"]) == (2.0, 2, 3)
    assert "going on with the study: 2 of 3 trials counted" in capsys.readouterr().out


def test_a_failed_and_a_pruned_trial_have_run(app: StudyApp) -> None:
    def run(cfg: DictConfig) -> float:
        if cfg.x == 1:
            raise ZeroDivisionError("a bug")
        if cfg.x == 2:
            raise TrialPruned
        return float(cfg.x)

    app.sweep("x=1,2,3", task=run)
    app.sweep("x=1,2,3,4", task=run)
    assert app.points("x") == [(1,), (2,), (3,), (4,)]


def interrupt(cfg: DictConfig) -> float:
    raise KeyboardInterrupt("stop")


@pytest.mark.parametrize(
    ("now", "points"),
    [
        pytest.param(["x=1,2,3"], [(1, 1), (2, 1), (3, 1)], id="in a wider space"),
        pytest.param(["x=1,2", "y=2,1"], [(1, 1), (1, 2), (2, 2), (2, 1)], id="before a further key"),
        pytest.param(["x=2,3"], [(2, 1), (3, 1)], id="but not if it is no point"),
    ],
)
def test_a_lost_trial_goes_on_at_its_own_point(app: StudyApp, now: list[str], points: list[tuple[int, int]]) -> None:
    with pytest.raises(KeyboardInterrupt, match=r"^stop$"):
        app.sweep("x=1,2", task=interrupt)
    app.sweep(*now)
    assert app.points("x", "y", since=1) == points


def test_a_lost_trial_waits_for_a_space_that_it_is_a_point_of(app: StudyApp) -> None:
    with pytest.raises(KeyboardInterrupt, match=r"^stop$"):
        app.sweep("x=1,2", task=interrupt)
    app.sweep("x=2,3")
    app.sweep("x=1,2")
    assert app.points("x", since=1) == [(2,), (3,), (1,)]
