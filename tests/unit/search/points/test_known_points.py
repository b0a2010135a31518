"""Points that run first: the configuration as it stands, typed ones, those of files and of other studies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from optuna.study import StudyDirection
from optuna.trial import TrialState
from studies import asked, fail, opened

from tunesmith.errors import UserError
from tunesmith.run_folder import write_text, write_yaml
from tunesmith.search.points.known_points import BASELINE, KnownPoints, read_known_points
from tunesmith.search.results import BEST_FILE, RESULTS_FILE
from tunesmith.search.space.space import parse_space
from tunesmith.search.trials_table import to_csv

SPACE = parse_space(
    {},
    [
        "optimizer.lr=tag(log,interval(1e-4,1e-1))",
        "model.layers=range(1,5)",
        "model.channels=[16],[16,32]",
        "drop=range(0.0,0.4,0.1)",
        "norm=true,false,null",
        "+extra=1,2",
        "note=a,b",
    ],
)
GRID = parse_space({}, ["x=1,2,3", "y=1,2"])


def points(enqueue: Any, studies: Path = Path(), baseline: bool = False) -> list[dict[str, Any]]:
    found = read_known_points(SPACE, baseline, enqueue, studies)
    assert found.remarks == ()
    return [dict(point) for point in found.points]


def test_there_are_none_unless_they_are_asked_for() -> None:
    assert read_known_points(SPACE, False, None, Path()) == KnownPoints()
    assert read_known_points(SPACE, False, [], Path()) == KnownPoints()


def test_the_configuration_as_it_stands_comes_first() -> None:
    assert points({"optimizer.lr": 0.01}, baseline=True) == [BASELINE, {"optimizer.lr": 0.01}]


@pytest.mark.parametrize(
    ("given", "point"),
    [
        pytest.param({"optimizer": {"lr": 0.01}}, {"optimizer.lr": 0.01}, id="nested"),
        pytest.param({"optimizer.lr": "1e-2"}, {"optimizer.lr": 0.01}, id="a number as a text"),
        pytest.param({"model.layers": 2.0}, {"model.layers": 2}, id="an integer as a float"),
        pytest.param({"model.channels": [16, 32]}, {"model.channels": "[16,32]"}, id="a list"),
        pytest.param({"model.channels": "[16,32]"}, {"model.channels": "[16,32]"}, id="a list as Hydra writes it"),
        pytest.param({"drop": "0.3"}, {"drop": 0.3}, id="a step"),
        pytest.param({"norm": None}, {"norm": None}, id="null"),
        pytest.param({"norm": "True"}, {"norm": True}, id="a choice as a text"),
        pytest.param({"extra": 2}, {"+extra": 2}, id="a key that is added"),
        pytest.param({"params.note": "b"}, {"note": "b"}, id="a key that trials.csv has another name for"),
    ],
)
def test_values_are_those_of_the_space(given: dict[str, Any], point: dict[str, Any]) -> None:
    assert [{key: (type(value), value) for key, value in found.items()} for found in points([given])] == [
        {key: (type(value), value) for key, value in point.items()}
    ]


def test_a_point_that_is_given_twice_is_one() -> None:
    assert points([{"drop": 0.1}, {"drop": 0.2}, {"drop": "0.1"}]) == [{"drop": 0.1}, {"drop": 0.2}]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"optimizer.lr": 1}, r"point 0 has optimizer.lr=1, which must be 0.0001 to 0.1, log scale$"),
        ({"model.layers": 1.5}, r"point 0 has model.layers=1.5, which must be integer 1 to 5$"),
        ({"model.layers": "many"}, r"point 0 has model.layers=many, which must be integer 1 to 5$"),
        ({"optimizer.lr": None}, r"point 0 has optimizer.lr=null, which must be 0.0001 to 0.1, log scale$"),
        ({"model.channels": [8]}, r"point 0 has model.channels=\[8\], which must be \[16\], \[16,32\]$"),
        ({"drop": 0.15}, r"point 0 has drop=0.15, which must be 0 to 0.4, step 0.1$"),
        (["norm"], r"points \(key: value\), files or studies; there is no norm, also in \.$"),
        ([3], r"points \(key: value\), files or studies; got 3$"),
    ],
    ids=str,
)
def test_what_is_no_point_of_the_space_is_refused(given: Any, message: str) -> None:
    with pytest.raises(UserError, match=rf"^hydra\.sweeper\.enqueue(:| must be) {message}"):
        points(given)


def test_keys_that_are_not_in_the_space_are_left_out_in_a_line() -> None:
    found = read_known_points(SPACE, False, [{"drop": 0.1, "momentum": 0.9, "data": {"size": 3}}], Path())
    assert found.points == ({"drop": 0.1},)
    assert found.remarks == (
        "hydra.sweeper.enqueue: left out of point 0, as they are not in this space: momentum, data.size",
    )


CONDITIONAL = parse_space(
    {
        "optimizer": "choice(adam,sgd)",
        "momentum": {"sweep": "interval(0.8, 0.99)", "when": {"optimizer": "sgd"}},
        "lr": [
            {"sweep": "interval(0.1, 0.2)", "when": {"optimizer": "adam"}},
            {"sweep": "interval(0.3, 0.4)", "when": {"optimizer": "sgd"}},
        ],
    },
    [],
)


@pytest.mark.parametrize(
    ("given", "point", "left_out"),
    [
        pytest.param({"optimizer": "sgd", "momentum": 0.9, "lr": 0.35}, None, None, id="active"),
        pytest.param(
            {"optimizer": "adam", "momentum": 0.9, "lr": 0.15},
            {"optimizer": "adam", "lr": 0.15},
            "momentum",
            id="inactive",
        ),
        pytest.param({"lr": 0.35}, None, None, id="one of the ranges"),
    ],
)
def test_a_key_that_varies_in_some_trials(
    given: dict[str, Any], point: dict[str, Any] | None, left_out: str | None
) -> None:
    found = read_known_points(CONDITIONAL, False, given, Path())
    assert found.points == (given if point is None else point,)
    assert [remark.rpartition(": ")[2] for remark in found.remarks] == [left_out] * (left_out is not None)


def test_a_value_outside_of_the_range_that_a_key_has_in_the_trial_is_refused() -> None:
    with pytest.raises(UserError, match=r"point 0 has lr=0.15, which must be 0.3 to 0.4  if optimizer=sgd$"):
        read_known_points(CONDITIONAL, False, {"optimizer": "sgd", "lr": 0.15}, Path())


def test_where_each_point_runs_once_there_is_no_baseline() -> None:
    found = read_known_points(GRID, True, [{"x": 3, "y": 1}], Path(), is_enumerated=True)
    assert found.points == ({"x": 3, "y": 1},)


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        pytest.param("p.yaml", "- drop: 0.1\n- optimizer: {lr: 1e-3}", [{"drop": 0.1}, {"optimizer.lr": 0.001}]),
        pytest.param("p.yaml", "drop: 0.1\nmodel.layers: 3", [{"drop": 0.1, "model.layers": 3}], id="one"),
        pytest.param(
            "p.csv",
            "model.layers,model.channels,note\n3,[16],a\n1,,b\n",
            [{"model.layers": 3, "model.channels": "[16]", "note": "a"}, {"model.layers": 1, "note": "b"}],
            id="csv, an empty cell",
        ),
        pytest.param("p.csv", "drop,norm\n0.1,\n", [{"drop": 0.1, "norm": None}], id="csv, an empty cell that is null"),
        pytest.param("p.csv", "drop\n", [], id="a csv without rows"),
    ],
)
def test_a_file_of_points(tmp_path: Path, name: str, text: str, found: list[dict[str, Any]]) -> None:
    (tmp_path / name).write_text(text)
    assert points(str(tmp_path / name)) == found


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        pytest.param(
            "p.yaml", "- drop: 0.1\n- 3", r"p.yaml must be a list of points \(key: value\); got", id="no point"
        ),
        pytest.param("p.yaml", "a: [", r"p.yaml, line 1, column 5: must be YAML; got", id="no YAML"),
        pytest.param("p.csv", "drop,norm\n0.1\n", r"p.csv must be a CSV file with a header and as many", id="no table"),
        pytest.param("p.csv", "drop\n0.7\n", r"p.csv row 2 has drop=0.7, which must be 0 to 0.4", id="outside"),
    ],
)
def test_a_file_without_points_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=message):
        points(str(tmp_path / name))


@pytest.fixture(params=["min", "max"])
def study_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A study of five trials whose best two are 2, then 3: a folder as it leaves it behind."""
    sign = 1 if request.param == "min" else -1
    study, space = opened(direction=request.param), {"drop": SPACE.dimensions["drop"]}
    for number, value in enumerate((0.5, None, 0.1, 0.2, 0.9)):
        study.enqueue_trial({"drop": [0.0, 0.4, 0.1, 0.2, 0.3][number], "momentum": 0.9})
        trial = asked(study)
        space["drop"].suggest(trial)
        trial.suggest_float("momentum", 0, 1)
        fail(study, trial) if value is None else study.tell(trial, sign * value)
    folder = tmp_path / "first"
    trials, direction = study.get_trials(), StudyDirection.MINIMIZE if sign == 1 else StudyDirection.MAXIMIZE
    assert trials[1].state == TrialState.FAIL
    folder.mkdir()
    write_text(folder / "trials.csv", to_csv(trials, [direction], folder))
    write_yaml(folder / RESULTS_FILE, {"best_value": sign * 0.1, "best_params": dict(trials[2].params)})
    write_text(folder / BEST_FILE, "defaults: [_self_]\ndrop: 0.1\nhydra: {}\n")
    return folder


@pytest.mark.parametrize(
    ("source", "drops"),
    [
        pytest.param("", [0.1], id="the folder"),
        pytest.param(":2", [0.1, 0.2], id="the best two"),
        pytest.param(":9", [0.1, 0.2, 0.0, 0.3], id="no more than there are"),
        pytest.param(f"/{RESULTS_FILE}", [0.1], id="its results"),
        pytest.param(f"/{BEST_FILE}", [0.1], id="its best configuration"),
        pytest.param("/trials.csv", [0.0, 0.1, 0.2, 0.3], id="its table: complete trials in their order"),
    ],
)
def test_another_study(study_folder: Path, source: str, drops: list[float]) -> None:
    found = read_known_points(SPACE, False, f"{study_folder}{source}", Path())
    assert list(found.points) == [{"drop": drop} for drop in drops]
    assert found.remarks == (
        f"hydra.sweeper.enqueue: left out of {study_folder}{source}, as they are not in this space: momentum",
    )
    by_name = read_known_points(SPACE, False, f"first{source}", study_folder.parent) if "/" not in source else found
    assert by_name.points == found.points


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("first", r"first must be the folder of a study with a best trial: see its optimization_results.yaml$"),
        ("first:2", r"first must be the folder of a study with its trials.csv$"),
        ("second", r"must be points \(key: value\), files or studies; there is no second, also in "),
    ],
)
def test_a_folder_without_a_study_is_refused(tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "first").mkdir()
    with pytest.raises(UserError, match=message):
        points(source, studies=tmp_path)
