"""scripts/any_job/forest.py: a random forest under the sweeper, with scikit-learn's own numbers."""

from __future__ import annotations

import csv
import sys

import optuna
import pytest
import yaml
from conftest import ROOT, Shell
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV

from tunesmith.search.storage.storage import open_journal

sys.path.append(str(ROOT / "scripts" / "any_job"))
from compare_forest import GRID
from forest import split

FOREST = str(ROOT / "scripts" / "any_job" / "forest.py")
EXPERIMENTS = sorted(path.stem for path in (ROOT / "scripts" / "any_job" / "experiment").glob("*.yaml"))


def check_grid(shell: Shell, grid: dict[str, list[int | None]], *overrides: str) -> None:
    """Sweep the grid, and compare each point's value and the best one's test accuracy with GridSearchCV's."""
    ended = shell.python(FOREST, "-m", "experiment=grid", *overrides)
    assert (ended.code, ended.err) == (0, "")
    rows = list(csv.DictReader((shell.study("forest_grid") / "trials.csv").read_text().splitlines()))
    values = {(row["n_estimators"], row["max_depth"]): float(row["value"]) for row in rows}

    (inputs, targets), _, held_out = split(42)
    search = GridSearchCV(RandomForestClassifier(random_state=0), grid, cv=3).fit(inputs, targets)
    expected = {
        (str(params["n_estimators"]), str(params["max_depth"] or "")): score
        for params, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True)
    }
    assert values == expected
    results = yaml.safe_load((shell.study("forest_grid") / "optimization_results.yaml").read_text())
    assert (results["best_value"], results["test"]["test/acc"]) == (search.best_score_, search.score(*held_out))


def test_a_grid_has_the_scores_of_grid_search_cv(shell: Shell) -> None:
    check_grid(shell, {"n_estimators": [2, 5], "max_depth": [3, None]}, "n_estimators=2,5", "max_depth=3,null")


@pytest.mark.slow
def test_the_grid_of_docs_has_the_scores_of_grid_search_cv(shell: Shell) -> None:
    check_grid(shell, GRID)


def test_a_pruner_stops_a_forest_after_a_fold(shell: Shell) -> None:
    shell.python(FOREST, "-m", "experiment=tpe", "n_estimators=2", "hydra/sweeper/pruner=median")
    storage = open_journal(shell.study("forest_tpe") / "study.journal")
    trials = optuna.load_study(study_name="forest_tpe", storage=storage).trials
    assert len(trials) == 20
    assert {len(trial.intermediate_values) for trial in trials if trial.state.name == "COMPLETE"} == {3}
    assert any(len(trial.intermediate_values) < 3 for trial in trials if trial.state.name == "PRUNED")


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_an_experiment_can_run(shell: Shell, experiment: str) -> None:
    ended = shell.python(FOREST, "-m", f"experiment={experiment}", "hydra.sweeper.dry_run=true")
    assert (ended.code, ended.err) == (0, "")
