"""The forest's four experiments beside scikit-learn's own searches, in turn: python scripts/any_job/compare_forest.py

Time: ours from the start of the command to its end, imports and test included; scikit-learn's of the fit alone. Beside
other work only the seconds of CPU tell something.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from forest import split
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

SEED, SPLIT_SEED, FOLDS = 0, 42, 3
GRID = {"n_estimators": [10, 50, 100], "max_depth": [5, 10, None]}
RANGE = {"n_estimators": range(10, 201), "max_depth": [5, 10, None]}
EXPERIMENTS = ("grid", "random", "tpe", "random_then_grid")


def main() -> None:
    print("| search | best cross-validation | test | seconds | of CPU |\n|---|---|---|---|---|")
    model = RandomForestClassifier(random_state=SEED)
    for search in (
        GridSearchCV(model, GRID, cv=FOLDS),
        RandomizedSearchCV(model, RANGE, n_iter=10, cv=FOLDS, random_state=SEED),
    ):
        print_row(type(search).__name__, partial(run_sklearn, search))
    for experiment in EXPERIMENTS:
        print_row(f"experiment={experiment}", partial(run_ours, experiment))


def run_sklearn(search: GridSearchCV | RandomizedSearchCV) -> tuple[float, float]:
    """Return the best score and the test accuracy of a search."""
    samples, _, held_out = split(SPLIT_SEED)
    search.fit(*samples)
    return search.best_score_, search.score(*held_out)


def run_ours(experiment: str) -> tuple[float, float]:
    """Return the best value and the test accuracy of a command of forest.py."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, str(Path(__file__).with_name("forest.py")), "-m", f"experiment={experiment}"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        results = yaml.safe_load(next(Path(folder).glob("outputs/sweeps/*/optimization_results.yaml")).read_text())
    return results["best_value"], results["test"]["test/acc"]


def print_row(name: str, run: Callable[[], tuple[float, float]]) -> None:
    begin, cpu_begin = time.monotonic(), cpu_seconds()
    score, test = run()
    seconds, cpu = time.monotonic() - begin, cpu_seconds() - cpu_begin
    print(f"| {name} | {score:.4f} | {test:.4f} | {seconds:.1f} | {cpu:.1f} |", flush=True)


def cpu_seconds() -> float:
    """Return what this process and its ended children have used."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
