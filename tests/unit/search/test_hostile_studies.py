"""Whoever may write to a shared study may write anything: nothing of it is run, opened, believed or obeyed."""

from __future__ import annotations

import csv
import math
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from omegaconf import DictConfig, OmegaConf
from optuna import Study, Trial
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial
from studies import opened
from study_app import FOLDER, StudyApp, study_app, study_in_journal

from tunesmith.errors import UserError, printable
from tunesmith.run_folder import read_yaml
from tunesmith.search.space.space import parse_space
from tunesmith.search.study.owner import this_process
from tunesmith.search.study.trial import Attempt, state_of
from tunesmith.search.trials_table import read_trials, to_csv

UNIT = FloatDistribution(0, 1)
SWEEP = ("x=interval(0,1)", "hydra.sweeper.n_trials=3")
EVALUATED: list[tuple[Path, DictConfig]] = []
CALLED: list[object] = []


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
    CALLED.clear()
    OmegaConf.register_new_resolver("boom", CALLED.append, replace=True)
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

ODD = ([1, [2]], {"a": {"b": 1}}, "text", -5, 2.5, True, 10**40)
NAMES = (
    *("owner", "lease", "reason", "mistake", "epochs", "note", "tags", "first_attempt", "retry_of", "deaths"),
    *("exhausted", "config", "data_digest", "findings", "withdrawn"),
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


QUEUED: tuple[dict[str, Any], ...] = (
    {"x": 0.5, "model._target_": "os.system"},
    {"x": 0.5, "hydra.run.dir": "/"},
    {"x": 0.5, "hydra/launcher": "a"},
    {"x": 0.5, "z": "${boom:1}"},
    {"x": 0.5, "": "a", "a[": "b", "..": "c", "a,b=c": "d"},
    {"x": 5.0},
    {"x": "mlp"},
)


@pytest.mark.parametrize("typed", [(), (SUGGESTS,)], ids=["a space", "an open space"])
@pytest.mark.parametrize("attributes", [{}, {"first_attempt": 0, "retry_of": 0}], ids=["new", "a retry"])
def test_only_points_of_the_space_become_overrides(
    app: StudyApp, typed: tuple[str, ...], attributes: dict[str, Any]
) -> None:
    app.sweep("x=interval(0,1)", *typed, "hydra.sweeper.n_trials=1")
    for params in QUEUED:
        kinds = {key: CategoricalDistribution([value]) for key, value in params.items() if isinstance(value, str)}
        queue(study_in_journal(), params, {"x": FloatDistribution(0, 9), **kinds}, **attributes)
    found = app.sweep("x=interval(0,1)", *typed, "hydra.sweeper.n_trials=7")
    assert found["trials"]["complete"] == 7
    for config in app.ran:
        assert config.keys() == app.ran[0].keys()
        assert (config["model"], config["z"]) == ({"kind": "mlp", "units": 8}, "${y}")
        assert 0 <= config["x"] <= 1
    assert CALLED == []


@pytest.mark.parametrize("typed", [(), (SUGGESTS,)], ids=["a space", "an open space"])
def test_a_point_that_a_user_queues_is_run_if_it_lies_in_the_space(
    app: StudyApp, typed: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    app.sweep("x=interval(0,1)", *typed, "hydra.sweeper.n_trials=1")
    for x in (0.25, 5, "${boom:1}", float("nan"), True, "0.5"):
        study_in_journal().enqueue_trial({"x": x})
    found = app.sweep("x=interval(0,1)", *typed, "hydra.sweeper.n_trials=3")
    assert found["trials"]["complete"] == 3
    assert app.ran[1]["x"] == 0.25
    lines = [line for line in capsys.readouterr().out.splitlines() if "is not run" in line]
    assert lines[0] == "trial 2 is not run: it was queued with x=5, which must be 0 to 1"
    assert len(lines) == 5
    assert CALLED == []


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
    assert EVALUATED[0][1].y == found["best_params"]["y"]


# records of configs


def test_an_odd_record_of_a_config_is_passed_over(app: StudyApp) -> None:
    app.sweep(*SWEEP)
    study = study_in_journal()
    for number, odd in enumerate((*ODD, {}, {"swept": [], "bases": []}, {"swept": ["a["], "bases": [{"choices": {}}]})):
        study.set_user_attr(f"config {number}", odd)
        add(study, 2.0, owner=owner(FOLDER.absolute(), config=str(number)))
    assert app.sweep(*SWEEP)["best_trial"] == 0


def test_no_resolver_is_called_by_what_a_study_holds_of_a_config(app: StudyApp) -> None:
    app.sweep(*SWEEP)
    study = study_in_journal()
    (name,) = [name for name in study.user_attrs if name.startswith("config ")]
    record = study.user_attrs[name]
    (base,) = record["bases"]
    config = {**base["config"], "y": "${boom:1}", "z": "${y}", "name": "${boom:2}", "seed": "${boom:3}"}
    odd = {**record, "swept": ["x", "y", "z", "a[", ""], "bases": [{**base, "config": config}]}
    study.set_user_attr("config evil", odd)
    add(study, 2.0, owner=owner(FOLDER.absolute(), config="evil"))
    with pytest.raises(UserError, match=r"^name must stay as it was in .* study s: \$\{boom:2\}; got"):
        app.sweep(*SWEEP)
    assert CALLED == []


# what is shown

STEERING = "a\x1b[2J\u202eb\r\nc"
SHOWN = "a\\x1b[2J\\u202eb c"


def test_a_study_steers_no_console_and_no_file(app: StudyApp, capsys: pytest.CaptureFixture[str]) -> None:
    app.sweep(*SWEEP)
    study = study_in_journal()
    labels = {"note": STEERING, "tags": [STEERING], "owner": owner(f"/{STEERING}", host=STEERING)}
    add(study, -1.0, **labels)
    add(study, None, reason=STEERING, **labels)
    app.sweep("x=interval(0,1)", "hydra.sweeper.n_trials=5")
    out = capsys.readouterr().out
    assert f"best lies on {SHOWN}, in /{SHOWN}/3: the same command" in out
    for text in (out, *(path.read_text() for path in FOLDER.glob("*.*") if path.suffix in (".csv", ".yaml"))):
        assert not set(text) & set("\x1b\u202e\r")
    (row,) = [row for row in read_trials(FOLDER)[0] if row["number"] == "4"]
    assert [row[key] for key in ("host", "reason", "note", "tags")] == [SHOWN] * 4


FORMULAS = ("=1+1", "+A1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", " =1", "'=1", "\uff1d1+1")


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_of_a_study_is_a_formula_of_a_spreadsheet(tmp_path: Path, text: str) -> None:
    study = opened()
    add(study, None, reason=text, note=text, tags=[text], owner=owner(text, host=text))
    keys = {text: CategoricalDistribution([text]), "x": UNIT}
    study.add_trial(create_trial(value=0.5, params={"x": 0.5, text: text}, distributions=keys))
    (tmp_path / "trials.csv").write_text(to_csv(study_of(study), study.directions, tmp_path))
    with (tmp_path / "trials.csv").open(newline="") as file:
        cells = [cell for line in csv.reader(file) for cell in line]
    assert not [cell for cell in cells if cell != "+A1" and cell.strip(" \t\r").startswith(tuple("=+-@\uff1d"))]
    rows, params = read_trials(tmp_path)
    assert rows[1][params[1]] == params[1] == printable(text)


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    study = opened()
    kinds = {"x": UNIT, "+a.b": FloatDistribution(-9, 9), "c": CategoricalDistribution(["-1.5", "-1e-3"])}
    study.add_trial(create_trial(value=-2.5, params={"x": 0.5, "+a.b": -1.5, "c": "-1e-3"}, distributions=kinds))
    header, row = to_csv(study_of(study), study.directions, tmp_path).splitlines()
    assert header.endswith(",x,+a.b,c")
    assert row.startswith("0,,COMPLETE,-2.5,")
    assert row.endswith(",0.5,-1.5,-1e-3")


def study_of(study: Study) -> list[FrozenTrial]:
    """The trials as they are stored, whatever the space is."""
    return study._storage.get_all_trials(study._study_id)


# values


@pytest.mark.parametrize("values", [None, [], [-1.0, -2.0], ["evil"], [math.nan], [[1]]], ids=str)
def test_a_trial_without_a_value_of_its_own_is_never_the_best(app: StudyApp, values: Any) -> None:
    app.sweep(*SWEEP)
    study = study_in_journal()
    fields = {"state": 1, "value": None, "values": values, "params": {}, "datetime_complete": "2026-01-01T00:00:00Z"}
    study._storage._write_log(4, {"study_id": 0, "datetime_start": "2026-01-01T00:00:00Z", **fields})  # type: ignore[attr-defined]
    found = app.sweep("x=interval(0,1)", "hydra.sweeper.n_trials=4")
    assert found["trials"]["complete"] == 4
    assert 0 <= found["best_value"] <= 1


@pytest.mark.parametrize("value", [-math.inf, math.nan])
def test_a_value_in_a_database_that_is_no_number_is_never_the_best(value: float) -> None:
    study = opened(space=parse_space({}, ["x=interval(0,1)"]))
    trial = create_trial(value=-1.0, params={"x": 0.5}, distributions={"x": UNIT})
    trial.values = [value, 1.0] if value == -math.inf else [value]
    study._storage.create_new_trial(study._study_id, trial)
    assert [state_of(each).name for each in study.trials] == ["OUTSIDE"]
