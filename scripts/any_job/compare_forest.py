"""The forest's four experiments beside scikit-learn's own searches, in turn: python scripts/any_job/compare_forest.py

Wall clock: ours from the start of the command to its end, imports and test included; scikit-learn's of the fit alone.
"""

import subprocess
import sys
import time
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
    print("| search | best cross-validation | test | seconds |\n|---|---|---|---|")
    model = RandomForestClassifier(random_state=SEED)
    for search in (
        GridSearchCV(model, GRID, cv=FOLDS),
        RandomizedSearchCV(model, RANGE, n_iter=10, cv=FOLDS, random_state=SEED),
    ):
        print_row(type(search).__name__, *run_sklearn(search))
    for experiment in EXPERIMENTS:
        print_row(f"experiment={experiment}", *run_ours(experiment))


def run_sklearn(search: GridSearchCV | RandomizedSearchCV) -> tuple[float, float, float]:
    """Return the best score, the test accuracy and the seconds of a search."""
    samples, _, held_out = split(SPLIT_SEED)
    begin = time.monotonic()
    search.fit(*samples)
    return search.best_score_, search.score(*held_out), time.monotonic() - begin


def run_ours(experiment: str, *overrides: str) -> tuple[float, float, float]:
    """Return the best value, the test accuracy and the seconds of a command of forest.py."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, str(Path(__file__).with_name("forest.py")), "-m", f"experiment={experiment}"]
        begin = time.monotonic()
        subprocess.run([*command, *overrides], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - begin
        results = yaml.safe_load(next(Path(folder).glob("outputs/sweeps/*/optimization_results.yaml")).read_text())
    return results["best_value"], results["test"]["test/acc"], seconds


def print_row(name: str, score: float, test: float, seconds: float) -> None:
    print(f"| {name} | {score:.4f} | {test:.4f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
