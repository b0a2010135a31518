"""Whoever may write to a shared study may write anything: nothing of it is run, opened, believed or obeyed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from omegaconf import DictConfig, OmegaConf
from optuna import Study, Trial
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState, create_trial
from study_app import FOLDER, StudyApp, study_app, study_in_journal

from tunesmith.errors import UserError
from tunesmith.run_folder import read_yaml
from tunesmith.search.study.owner import this_process
from tunesmith.search.study.trial import Attempt

UNIT = FloatDistribution(0, 1)
SWEEP = ("x=interval(0,1)", "hydra.sweeper.n_trials=3")
EVALUATED: list[tuple[Path, DictConfig]] = []


def evaluate(folder: Path, config: DictConfig) -> Mapping[str, Any]:
    EVALUATED.append((folder, config))
    return {"test/acc": 0.5}


def suggest(config: DictConfig, trial: Trial) -> None:
    trial.suggest_int("y", 1, 4)


EVALUATES = f"hydra.sweeper.on_finish={__name__}.evaluate"
SUGGESTS = f"hydra.sweeper.custom_search_space={__name__}.suggest"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StudyApp]:
    EVALUATED.clear()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with study_app(tmp_path, monkeypatch) as app:
        yield app


def add(study: Study, value: float | None = -1.0, x: float = 0.5, **attributes: Any) -> None:
    """What plain Optuna adds to a study that it may write to: a trial better than all others."""
    state = TrialState.FAIL if value is None else TrialState.COMPLETE
    study.add_trial(
        create_trial(state=state, value=value, params={"x": x}, distributions={"x": UNIT}, user_attrs=attributes)
    )


def owner(folder: Path | str | None, **fields: Any) -> dict[str, Any]:
    return {"host": "far", "machine": "far", "pid": 1, "started": 1.0, "folder": folder and str(folder), **fields}


def evil_folder(folder: Path, **config: Any) -> Path:
    """A trial's folder whose config names a callable that leaves a mark."""
    (folder / ".hydra").mkdir(parents=True)
    target = {"_target_": "builtins.open", "file": str(folder / "mark"), "mode": "w"}
    OmegaConf.save(OmegaConf.create({"x": 0.5, "model": target, **config}), folder / ".hydra" / "config.yaml")
    OmegaConf.save(OmegaConf.create({"hydra": {}}), folder / ".hydra" / "hydra.yaml")
    (folder / "result.yaml").write_text("value: -1.0\n")
    (folder / "test.yaml").write_text("test/acc: 1.0\n")
    return folder


# folders


def test_the_best_trial_is_evaluated_with_the_config_that_this_command_composes(app: StudyApp) -> None:
    found = app.sweep(*SWEEP, EVALUATES)
    (folder, config), best = EVALUATED[0], read_yaml(FOLDER / "best.yaml")
    assert folder == FOLDER / found["best_dir"]
    assert config.x == found["best_params"]["x"] == best["x"]
    assert config == OmegaConf.load(folder / ".hydra" / "config.yaml")
    assert found["test"] == {"test/acc": 0.5}


def test_a_best_trial_elsewhere_is_shown_and_never_opened(
    app: StudyApp, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app.sweep(*SWEEP)
    evil_folder(tmp_path / "evil" / "3")
    add(study_in_journal(), owner=owner(tmp_path / "evil"))
    found = app.sweep(*SWEEP, EVALUATES)
    assert (found["best_trial"], found["best_dir"], found["test"]) == (3, f"{tmp_path}/evil/3", None)
    assert not (FOLDER / "best.yaml").exists()
    assert EVALUATED == []
    line = f"best lies on far, in {tmp_path}/evil/3: the same command there evaluates it"
    assert line in capsys.readouterr().out


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({"first_attempt": "../../../evil/3"}, id="a first attempt that is a path"),
        pytest.param({"first_attempt": 0}, id="the folder of a trial with other values"),
        pytest.param({}, id="a folder that is not there"),
    ],
)
def test_nothing_but_this_commands_own_config_is_evaluated(
    app: StudyApp, tmp_path: Path, attributes: dict[str, Any]
) -> None:
    app.sweep(*SWEEP)
    evil_folder(tmp_path / "evil" / "3")
    add(study_in_journal(), **attributes)
    found = app.sweep(*SWEEP, EVALUATES)
    assert (found["best_trial"], found["test"], EVALUATED) == (3, None, [])
    assert not (FOLDER / "best.yaml").exists()


def test_a_folder_that_says_another_config_is_not_evaluated(
    app: StudyApp, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app.sweep(*SWEEP)
    add(study_in_journal())
    evil_folder(FOLDER / "3")
    found = app.sweep(*SWEEP, EVALUATES)
    assert (found["test"], EVALUATED) == (None, [])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "neither evaluated" in line]
    assert line.startswith(
        "trial 3 is neither evaluated nor written to best.yaml: this command would run it with model"
    )
    assert "instead of" in line
    assert line.endswith("if you trust that folder, evaluate it by: python scripts/evaluate.py sweeps/s/3")


def test_a_folder_of_the_same_path_on_another_host_is_this_one(app: StudyApp) -> None:
    app.sweep(*SWEEP)
    study = study_in_journal()
    add(study, x=study.trials[0].params["x"], owner=owner(FOLDER.absolute()))
    shutil.copytree(FOLDER / "0", FOLDER / "3")
    (FOLDER / "3" / "result.yaml").write_text("value: -1.0\n")
    found = app.sweep(*SWEEP, EVALUATES)
    assert (found["best_trial"], found["test"]) == (3, {"test/acc": 0.5})
    assert EVALUATED[0][0] == FOLDER / "3"


# attributes

STEERING = "a\x1b[2J\u202eb\r\nc"
FORMULAS = ["=1+1", "+A1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", " =1", "'=1", "\uff1d1+1"]


ODD = ([1, [2]], {"a": {"b": 1}}, "text", -5, 2.5, True, 10**40)
NAMES = (
    *("owner", "lease", "reason", "mistake", "epochs", "note", "tags", "first_attempt", "retry_of", "deaths"),
    *("exhausted", "config", "data_digest", "withdrawn"),
)
FIELDS = ("host", "machine", "pid", "started", "worker", "job", "folder", "config")


def test_one_odd_attribute_costs_one_trial_at_most(app: StudyApp) -> None:
    app.sweep(*SWEEP)
    study = study_in_journal()
    for odd in ODD:
        for name in NAMES:
            add(study, 2.0, **{name: odd})
            add(study, None, **{"reason": "why", **{name: odd}})
        for field in FIELDS:
            add(study, 2.0, owner={**owner(FOLDER.absolute()), field: odd})
    num_odd = len(study.trials)
    found = app.sweep("x=interval(0,1)", f"hydra.sweeper.n_trials={num_odd}", EVALUATES)
    assert found["best_trial"] not in range(3, num_odd)
    assert found["test"] == {"test/acc": 0.5}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", ODD, ids=str)
def test_an_odd_owner_can_be_asked_whether_it_lives(field: str, value: object) -> None:
    trial = create_trial(value=0.5, user_attrs={"owner": {**this_process().to_attribute(FOLDER), field: value}})
    owner = Attempt(trial).owner
    assert owner is not None
    assert isinstance(owner.is_dead(), bool)
    assert isinstance(Attempt(trial).trial_folder(FOLDER), str)


# queued points


def queue(study: Study, params: dict[str, Any], distributions: dict[str, BaseDistribution], **attributes: Any) -> None:
    """What plain Optuna adds to a study: a trial that a worker runs next, with values that nobody has drawn."""
    waiting = TrialState.WAITING
    study.add_trial(create_trial(state=waiting, params=params, distributions=distributions, user_attrs=attributes))


TARGET = CategoricalDistribution(["os.system"])


@pytest.mark.parametrize(
    ("params", "distributions"),
    [
        pytest.param({"x": 0.5, "model._target_": "os.system"}, {"x": UNIT, "model._target_": TARGET}, id="a target"),
        pytest.param({"x": 0.5, "hydra.run.dir": "/"}, {"x": UNIT, "hydra.run.dir": None}, id="a folder"),
        pytest.param({"x": 0.5, "hydra/launcher": "a"}, {"x": UNIT, "hydra/launcher": None}, id="a group"),
        pytest.param({"x": 0.5, "z": "${boom:1}"}, {"x": UNIT, "z": None}, id="a resolver"),
        pytest.param(
            {"x": 0.5, "": "a", "a[": "b", "..": "c"}, {"x": UNIT, "": None, "a[": None, "..": None}, id="no keys"
        ),
        pytest.param({"x": 5.0}, {"x": FloatDistribution(0, 9)}, id="outside of the range"),
        pytest.param({"x": "mlp"}, {"x": None}, id="no number"),
    ],
)
@pytest.mark.parametrize("is_open", [False, True], ids=["a space", "an open space"])
@pytest.mark.parametrize("attributes", [{}, {"first_attempt": 0, "retry_of": 0}], ids=["new", "a retry"])
def test_only_points_of_the_space_become_overrides(
    app: StudyApp, params: dict[str, Any], distributions: dict[str, Any], is_open: bool, attributes: dict[str, Any]
) -> None:
    """Trials of a study in memory are not enough: overrides are made where the config is composed."""
    OmegaConf.register_new_resolver("boom", boom, replace=True)
    command = ("x=interval(0,1)", *[SUGGESTS] * is_open)
    app.sweep(*command, "hydra.sweeper.n_trials=1")
    choices = {key: CategoricalDistribution([params[key]]) for key, each in distributions.items() if each is None}
    queue(study_in_journal(), params, {**distributions, **choices}, **attributes)
    found = app.sweep(*command, "hydra.sweeper.n_trials=3")
    assert found["trials"]["complete"] == 3
    usual = app.ran[0].keys()
    for config in app.ran:
        assert config.keys() == usual
        assert config["model"] == {"kind": "mlp", "units": 8}
        assert 0 <= config["x"] <= 1


def boom(*arguments: object) -> None:
    raise AssertionError("a resolver was called with what a study holds")


@pytest.mark.parametrize("is_open", [False, True], ids=["a space", "an open space"])
@pytest.mark.parametrize(
    ("point", "is_run"),
    [
        pytest.param({"x": 0.25}, True, id="in the range"),
        pytest.param({"x": 5}, False, id="outside"),
        pytest.param({"x": "${boom:1}"}, False, id="a text"),
        pytest.param({"x": float("nan")}, False, id="nan"),
        pytest.param({"x": True}, False, id="a flag"),
    ],
)
def test_a_point_that_a_user_queues_is_run_if_it_lies_in_the_space(
    app: StudyApp, point: dict[str, Any], is_run: bool, is_open: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("x=interval(0,1)", *[SUGGESTS] * is_open)
    app.sweep(*command, "hydra.sweeper.n_trials=1")
    study_in_journal().enqueue_trial(point)
    found = app.sweep(*command, "hydra.sweeper.n_trials=3")
    assert found["trials"]["complete"] == 3
    assert (0.25 in [config["x"] for config in app.ran]) == is_run
    assert ("trial 1 is not run: it was queued with x=" in capsys.readouterr().out) != is_run


def test_a_queued_value_that_the_users_function_does_not_suggest_is_refused(
    app: StudyApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app.sweep(SUGGESTS, "hydra.sweeper.n_trials=1")
    for point in ({"y": 3}, {"y": 9}, {"y": "os.system"}):
        study_in_journal().enqueue_trial(point)
    found = app.sweep(SUGGESTS, "hydra.sweeper.n_trials=4", EVALUATES)
    assert found["trials"]["complete"] == 4
    assert all(config["y"] in (1, 2, 3, 4) for config in app.ran)
    assert app.ran[1]["y"] == 3
    out = capsys.readouterr().out
    assert "trial 2 is not run: it was queued with y=9, which must be integer 1 to 4" in out
    assert "trial 3 is not run: it was queued with y=os.system" in out
    assert found["test"] == {"test/acc": 0.5}


# records of configs


@pytest.mark.parametrize(
    "odd", [*ODD, {}, {"swept": [], "bases": []}, {"swept": ["a["], "bases": [{"choices": {}}]}], ids=str
)
def test_an_odd_record_of_a_config_is_passed_over(app: StudyApp, odd: object) -> None:
    app.sweep(*SWEEP)
    study_in_journal().set_user_attr("config 0123456789abcdef", odd)
    add(study_in_journal(), 2.0, owner=owner(FOLDER.absolute(), config="0123456789abcdef"))
    assert app.sweep(*SWEEP)["best_trial"] != 3


def test_no_resolver_is_called_by_what_a_study_holds_of_a_config(app: StudyApp) -> None:
    OmegaConf.register_new_resolver("boom", boom, replace=True)
    app.sweep(*SWEEP)
    study = study_in_journal()
    (name,) = [name for name in study.user_attrs if name.startswith("config ")]
    record = study.user_attrs[name]
    (base,) = record["bases"]
    config = {**base["config"], "y": "${boom:1}", "z": "${y}", "name": "${boom:2}", "seed": "${boom:3}"}
    study.set_user_attr("config evil", {**record, "swept": ["x", "y", "z"], "bases": [{**base, "config": config}]})
    add(study, 2.0, owner=owner(FOLDER.absolute(), config="evil"))
    with pytest.raises(
        UserError, match=r"^name must stay as it was in the earlier trials of study s: \$\{boom:2\}; got"
    ):
        app.sweep(*SWEEP)
