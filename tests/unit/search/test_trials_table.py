"""trials.csv: which columns are parameters, whatever they are called."""

from __future__ import annotations

from pathlib import Path

import pytest
from optuna import Study
from optuna.trial import TrialState
from studies import asked, opened

from tunesmith.search.space.space import parse_space
from tunesmith.search.trials_table import FIXED_COLUMNS, read_trials, to_csv


def written(folder: Path, study: Study) -> Path:
    (folder / "trials.csv").write_text(to_csv(study.trials, study.directions, folder))
    return folder


@pytest.mark.parametrize("key", ["lr", *FIXED_COLUMNS])
def test_a_parameter_of_any_name_has_a_column_of_its_own(tmp_path: Path, key: str) -> None:
    space = parse_space({}, [f"{key}=range(3,5)", "other=a,b"])
    study = opened(space=space)
    trial = asked(study)
    drawn = {each: dimension.suggest(trial) for each, dimension in space.dimensions.items()}
    study.tell(trial, 0.25)
    (row,), params = read_trials(written(tmp_path, study))
    column = f"params.{key}" if key in FIXED_COLUMNS else key
    assert params == [column, "other"]
    assert (row[column], row["other"]) == (str(drawn[key]), drawn["other"])
    assert (row["number"], row["state"], row["value"]) == ("0", "COMPLETE", "0.25")


def test_columns_of_one_name_that_an_earlier_version_wrote_are_told_apart(tmp_path: Path) -> None:
    fixed = "number,state,value,epochs,seconds,host,folder,reason,note,tags"
    (tmp_path / "trials.csv").write_text(f"{fixed},value\n0,COMPLETE,0.5,1,2.0,here,0,,,,7\n")
    (row,), params = read_trials(tmp_path)
    assert (params, row["value"], row["params.value"]) == (["params.value"], "0.5", "7")


def test_a_table_without_the_columns_of_later_versions_is_read(tmp_path: Path) -> None:
    header, row = ("number", "state", "value", "epochs", "seconds", "folder", "reason", "lr"), "0,FAIL,,1,2.0,0,why,0.1"
    (tmp_path / "trials.csv").write_text(f"{','.join(header)}\n{row}\n")
    assert read_trials(tmp_path) == ([dict(zip(header, row.split(","), strict=True))], ["lr"])


@pytest.mark.parametrize("later", ["stage", "findings"])
def test_a_parameter_that_has_the_name_of_a_later_column_is_one(tmp_path: Path, later: str) -> None:
    fixed = "number,state,value,epochs,seconds,host,folder,reason,note,tags"
    (tmp_path / "trials.csv").write_text(f"{fixed},lr,{later}\n0,COMPLETE,0.5,1,2.0,here,0,,,,0.1,7\n")
    assert read_trials(tmp_path)[1] == ["lr", later]


def test_a_long_reason_is_shortened(tmp_path: Path) -> None:
    study = opened()
    trial = asked(study)
    trial.set_user_attr("reason", 300_000 * "x")
    study.tell(trial, state=TrialState.FAIL)
    (row,), _ = read_trials(written(tmp_path, study))
    assert len(row["reason"]) == 1000


def test_further_objectives_and_constraints_have_columns_of_their_own(tmp_path: Path) -> None:
    study = opened(direction=["min", "max"])
    for values, excess in (((0.5, 7.0), 1.0), ((0.25, 8.0), 0.0)):
        trial = asked(study)
        trial.suggest_float("value_1", 0, 1)  # as a column that is none of the parameters is called
        trial.set_constraint("size <= 3", excess)
        study.tell(trial, values)
    rows, params = read_trials(written(tmp_path, study))
    assert [(row["value"], row["value_1"], row["infeasible"]) for row in rows] == [
        ("0.5", "7.0", "size <= 3"),
        ("0.25", "8.0", ""),
    ]
    assert params == ["params.value_1"]
