"""What a study leaves behind: optimization_results.yaml, trials.csv."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from optuna import Study
from optuna.pruners import NopPruner
from optuna.trial import TrialState

from tunesmith.run_folder import read_yaml, write_yaml
from tunesmith.search.attribute_names import EPOCHS, OWNER, REASON
from tunesmith.search.results import best_command, find_best, ties, write_results
from tunesmith.search.space.space import parse_space
from tunesmith.search.storage.storage import open_storage
from tunesmith.search.study.budget import ask
from tunesmith.search.study.retries import requeue
from tunesmith.search.study.scope import Scope
from tunesmith.search.study.study import open_study

SPACE = parse_space({}, ["optimizer.lr=interval(0,1)", "model.name='a b','c,d'"])
MAX_EPOCHS = 10


def opened(folder: Path, direction: str = "min") -> Study:
    return open_study(open_storage(None, folder), "digits", direction, NopPruner(), Scope(SPACE))


def run_trial(study: Study, state: TrialState, *reported: float, **drawn: Any) -> None:
    """Run one trial to its end; a FAIL has a reason, a complete trial returns its last value."""
    trial = ask(study, 100)
    assert trial is not None
    for dimension in SPACE.dimensions.values():
        dimension.suggest(trial)
    for name, value in drawn.items():
        trial.suggest_int(name.replace("__", "."), value, value)
    for epoch, value in enumerate(reported, start=1):
        if epoch not in study.get_trials(deepcopy=False)[trial.number].intermediate_values:
            trial.report(value, epoch)
    if state == TrialState.FAIL:
        trial.set_user_attr(REASON, "val/loss was nan")
    study.tell(trial, reported[-1] if state == TrialState.COMPLETE else None, state)


def lose_trial(study: Study, *reported: float) -> None:
    trial = ask(study, 100)
    assert trial is not None
    for dimension in SPACE.dimensions.values():
        dimension.suggest(trial)
    for epoch, value in enumerate(reported, start=1):
        trial.report(value, epoch)
    requeue(study, trial.number)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Trials 0 complete, 1 pruned, 2 failed, 3 lost, 4 the retry of 3, which is the best, 5 running."""
    study = opened(tmp_path)
    run_trial(study, TrialState.COMPLETE, 0.9, 0.5)
    run_trial(study, TrialState.PRUNED, 0.9, 0.7, 0.8)
    run_trial(study, TrialState.FAIL, 0.6)
    lose_trial(study, 0.4, 0.3)
    run_trial(study, TrialState.COMPLETE, 0.4, 0.3, 0.2)
    ask(study, 100)
    return study


def rows_in(folder: Path) -> list[dict[str, str]]:
    with (folder / "trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))


# optimization_results.yaml


def test_results_have_the_keys_of_the_design(study: Study, tmp_path: Path) -> None:
    write_results(study, tmp_path, MAX_EPOCHS)
    results = read_yaml(tmp_path / "optimization_results.yaml")
    assert list(results) == [
        *("name", "study", "directions", "best_value", "best_params", "best_trial", "best_dir", "best_host"),
        *("test", "trials", "findings", "epochs", "seconds"),
    ]
    assert (results["name"], results["study"], results["test"]) == ("optuna", "digits", None)


def test_results_returned_are_those_written(study: Study, tmp_path: Path) -> None:
    assert write_results(study, tmp_path, MAX_EPOCHS) == read_yaml(tmp_path / "optimization_results.yaml")


def test_the_best_trial_lies_in_the_folder_of_its_first_attempt(study: Study, tmp_path: Path) -> None:
    results = write_results(study, tmp_path, MAX_EPOCHS)
    assert (results["best_value"], results["best_trial"], results["best_dir"]) == (0.2, 4, "3")
    assert results["best_params"] == study.trials[3].params


def test_trials_are_counted_by_how_they_ended(study: Study, tmp_path: Path) -> None:
    results = write_results(study, tmp_path, MAX_EPOCHS)
    assert results["trials"] == {"complete": 2, "pruned": 1, "failed": 1, "lost": 1}


def test_epochs_saved_are_those_that_pruned_trials_did_not_run(study: Study, tmp_path: Path) -> None:
    results = write_results(study, tmp_path, MAX_EPOCHS)
    assert results["epochs"] == {"run": 2 + 3 + 1 + 3, "saved": MAX_EPOCHS - 3}


def test_epochs_saved_are_unknown_without_max_epochs(study: Study, tmp_path: Path) -> None:
    assert write_results(study, tmp_path, max_epochs=None)["epochs"] == {"run": 9, "saved": None}


def test_epochs_saved_follow_a_trials_own_max_epochs(tmp_path: Path) -> None:
    study = opened(tmp_path)
    run_trial(study, TrialState.PRUNED, 0.9, 0.8, trainer__max_epochs=7)
    assert write_results(study, tmp_path, MAX_EPOCHS)["epochs"] == {"run": 2, "saved": 5}


def run_folds(study: Study, state: TrialState, epochs: int, *means: float, **drawn: Any) -> None:
    """Run one trial of cross-validation: a report per fold, and its epochs by themselves."""
    trial = ask(study, 100)
    assert trial is not None
    for name, value in drawn.items():
        trial.suggest_int(name.replace("__", "."), value, value)
    for fold, value in enumerate(means, start=1):
        trial.report(value, fold)
    trial.set_user_attr(EPOCHS, epochs)
    study.tell(trial, means[-1] if state == TrialState.COMPLETE else None, state)


@pytest.mark.parametrize(
    ("drawn", "planned"),
    [
        pytest.param({}, 5 * MAX_EPOCHS, id="of the config"),
        pytest.param({"data__folds": 3}, 3 * MAX_EPOCHS, id="of the trial"),
        pytest.param({"trainer__max_epochs": 8}, 5 * 8, id="and a trial's own max_epochs"),
    ],
)
def test_with_folds_epochs_are_counted_over_all_of_them(tmp_path: Path, drawn: dict[str, int], planned: int) -> None:
    study = opened(tmp_path)
    run_folds(study, TrialState.COMPLETE, 43, 0.5, 0.4)
    run_folds(study, TrialState.PRUNED, 7, 0.9, **drawn)
    results = write_results(study, tmp_path, MAX_EPOCHS, folds=5)
    assert results["epochs"] == {"run": 43 + 7, "saved": planned - 7}
    assert [row["epochs"] for row in rows_in(tmp_path)] == ["43", "7"]


@pytest.mark.parametrize(
    ("values", "tied"),
    [
        pytest.param([0.5, 0.2, 0.2, 0.3, 0.2], [2, 4], id="others as good as the first best one"),
        pytest.param([0.5, 0.2], [], id="one best"),
        pytest.param([], [], id="none"),
    ],
)
def test_ties(tmp_path: Path, values: list[float], tied: list[int]) -> None:
    study = opened(tmp_path)
    for value in values:
        run_trial(study, TrialState.COMPLETE, value)
    run_trial(study, TrialState.PRUNED, 0.2)
    assert ties(study) == tied


def test_a_trial_outside_of_the_space_ties_with_none(tmp_path: Path) -> None:
    run_trial(opened(tmp_path), TrialState.COMPLETE, 0.2)
    elsewhere = parse_space({}, ["optimizer.lr=interval(2,3)"])
    study = open_study(open_storage(None, tmp_path), "digits", "min", NopPruner(), Scope(elsewhere))
    trial = ask(study, 100)
    assert trial is not None
    elsewhere.dimensions["optimizer.lr"].suggest(trial)
    study.tell(trial, 0.2)
    assert ties(study) == []


def test_the_best_of_a_study_that_maximizes(tmp_path: Path) -> None:
    study = opened(tmp_path, "max")
    run_trial(study, TrialState.COMPLETE, 0.5)
    run_trial(study, TrialState.COMPLETE, 0.9)
    assert write_results(study, tmp_path, MAX_EPOCHS)["best_value"] == 0.9


def test_a_study_without_a_complete_trial_has_no_best(tmp_path: Path) -> None:
    study = opened(tmp_path)
    run_trial(study, TrialState.PRUNED, 0.5)
    results = write_results(study, tmp_path, MAX_EPOCHS)
    assert [results[key] for key in ("best_value", "best_params", "best_trial", "best_dir")] == [None] * 4


def test_seconds_are_those_of_ended_trials(study: Study, tmp_path: Path) -> None:
    ended = [trial.duration.total_seconds() for trial in study.trials if trial.duration]
    assert write_results(study, tmp_path, MAX_EPOCHS)["seconds"] == pytest.approx(sum(ended), abs=1e-3)


# trials.csv


def test_trials_csv_has_a_row_per_counted_trial(study: Study, tmp_path: Path) -> None:
    write_results(study, tmp_path, MAX_EPOCHS)
    shown = [
        tuple(row[key] for key in ("number", "state", "value", "epochs", "folder", "reason"))
        for row in rows_in(tmp_path)
    ]
    assert shown == [
        ("0", "COMPLETE", "0.5", "2", "0", ""),
        ("1", "PRUNED", "0.7", "3", "1", ""),
        ("2", "FAIL", "", "1", "2", "val/loss was nan"),
        ("4", "COMPLETE", "0.2", "3", "3", ""),
    ]


def test_trials_csv_names_parameters_by_their_override_keys(study: Study, tmp_path: Path) -> None:
    write_results(study, tmp_path, MAX_EPOCHS)
    rows = rows_in(tmp_path)
    cost = ["epochs", "seconds", "host", "folder"]
    fixed = ["number", "stage", "state", "value", *cost, "reason", "findings", "note", "tags"]
    assert list(rows[0]) == [*fixed, "optimizer.lr", "model.name"]
    drawn = [(float(row["optimizer.lr"]), row["model.name"]) for row in rows]
    assert drawn == [tuple(study.trials[int(row["number"])].params.values()) for row in rows]


def test_trials_csv_has_note_and_tags(tmp_path: Path) -> None:
    study = opened(tmp_path)
    for labels in ({"note": "why", "tags": ["first", "try"]}, {}):
        trial = ask(study, 100)
        assert trial is not None
        for name, label in labels.items():
            trial.set_user_attr(name, label)
        study.tell(trial, 1.0)
    write_results(study, tmp_path, MAX_EPOCHS)
    assert [(row["note"], row["tags"]) for row in rows_in(tmp_path)] == [("why", "first try"), ("", "")]


def test_findings_stand_in_trials_csv_and_are_counted(tmp_path: Path) -> None:
    study = opened(tmp_path)
    for found in (["overfitting", "<b>"], ["shift", "overfitting"], None):
        trial = ask(study, 100)
        assert trial is not None
        if found is not None:
            trial.set_user_attr("findings", found)
        study.tell(trial, 1.0)
    results = write_results(study, tmp_path, MAX_EPOCHS)
    assert [row["findings"] for row in rows_in(tmp_path)] == ["overfitting", "shift overfitting", ""]
    assert list(results["findings"].items()) == [("overfitting", 2), ("shift", 1)]


def elsewhere(study: Study, folder: str, value: float) -> None:
    """End a trial that another host has left in a folder of its own."""
    trial = ask(study, 100)
    assert trial is not None
    trial.set_user_attr(OWNER, {**trial.user_attrs[OWNER], "host": "beta", "folder": folder})
    study.tell(trial, value)


def test_a_trial_of_another_host_is_named_with_its_host_and_its_whole_folder(study: Study, tmp_path: Path) -> None:
    elsewhere(study, "/there/sweeps/digits", 0.9)
    write_results(study, tmp_path, MAX_EPOCHS)
    assert [(row["host"], row["folder"]) for row in rows_in(tmp_path)][-1] == ("beta", "/there/sweeps/digits/6")


def test_a_host_that_shares_the_folder_is_named_alone(study: Study, tmp_path: Path) -> None:
    elsewhere(study, str(tmp_path), 0.9)
    write_results(study, tmp_path, MAX_EPOCHS)
    assert [(row["host"], row["folder"]) for row in rows_in(tmp_path)][-1] == ("beta", "6")


@pytest.mark.parametrize(("value", "is_here"), [(0.01, True), (0.4, False), (None, False)])
def test_of_another_hosts_best_trial_a_folder_has_to_hold_its_result(
    study: Study, tmp_path: Path, value: float | None, is_here: bool
) -> None:
    """An attempt that was lost on this host may lie under the same path."""
    elsewhere(study, str(tmp_path), 0.01)
    (tmp_path / "6").mkdir()
    if value is not None:
        write_yaml(tmp_path / "6" / "result.yaml", {"value": value})
    results = write_results(study, tmp_path, MAX_EPOCHS)
    assert find_best(tmp_path, results) == (tmp_path / "6" if is_here else None)


def test_trials_csv_of_a_study_without_trials_has_its_header(tmp_path: Path) -> None:
    write_results(opened(tmp_path), tmp_path, MAX_EPOCHS)
    assert (
        tmp_path / "trials.csv"
    ).read_text() == "number,stage,state,value,epochs,seconds,host,folder,reason,findings,note,tags\n"


# the command that repeats the best trial


def test_the_command_that_repeats_the_best_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["train.py", "-m"])
    folder = tmp_path / "sweeps" / "a b"
    assert best_command(folder) == "python train.py --config-dir 'sweeps/a b' --config-name best"


def test_a_package_repeats_the_best_trial_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/x/tunesmith/__main__.py", "-m"])
    assert best_command(tmp_path).startswith("python -m tunesmith --config-dir ")
