"""Writes what a study leaves behind: optimization_results.yaml, trials.csv; best.yaml has a module of its own."""

from __future__ import annotations

import os
import shlex
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from optuna import Study
from optuna.trial import FrozenTrial

from tunesmith import run_folder
from tunesmith.search.study.counts import count
from tunesmith.search.study.study import best_trial, candidates
from tunesmith.search.study.trial import Attempt, State, state_of
from tunesmith.search.trials_table import TRIALS_FILE, to_csv
from tunesmith.typed_command import program

RESULTS_FILE = "optimization_results.yaml"
BEST_FILE = "best.yaml"

MULTIRUN_FILE = "multirun.yaml"
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Epochs:
    """Epochs that a study trained, and epochs that pruning saved."""

    run: int
    saved: int | None


def write_results(
    study: Study, folder: Path, max_epochs: int | None, folds: int | None = None, more: Mapping[str, Any] = _NOTHING
) -> dict[str, Any]:
    """Write trials.csv and optimization_results.yaml; return the content of the latter.

    max_epochs: of a trial, to count the epochs that pruning saved; None if the app has no such number.
    folds: number of trainings of a trial, each of max_epochs; None: one training.
    more: further content.
    """
    trials = study.get_trials(deepcopy=False)
    best = best_trial(candidates(study), study.direction)
    results = {**_results(study, trials, best, folder, _epochs(trials, max_epochs, folds)), **more}
    run_folder.write_text(folder / TRIALS_FILE, to_csv(trials, study.direction, folder))
    run_folder.write_yaml(folder / RESULTS_FILE, results)
    return results


def write_test(folder: Path, results: dict[str, Any], test: Mapping[str, Any]) -> dict[str, Any]:
    """Add the best trial's test metrics to optimization_results.yaml."""
    results = {**results, "test": dict(test)}
    run_folder.write_yaml(folder / RESULTS_FILE, results)
    return results


def read_test(folder: Path, results: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the metrics of test.yaml if the best trial was evaluated before: test data is touched once per trial."""
    best_folder = find_best(folder, results)
    path = None if best_folder is None else best_folder / run_folder.TEST_FILE
    if path is None or not path.exists():
        return None
    return {name: value for name, value in run_folder.read_yaml(path).items() if name != "samples"}


def find_best(folder: Path, results: Mapping[str, Any]) -> Path | None:
    """Return the best trial's folder; None if it does not lie in the study's folder here, or on another host.

    An earlier attempt, lost on this host, may have left a folder of the same name here.
    """
    trial = run_folder.trial_folder(folder, str(results["best_dir"]))
    if trial is None or not trial.is_dir():
        return None
    if results["best_host"] in (None, socket.gethostname()):
        return trial
    result = trial / run_folder.RESULT_FILE
    is_same = result.exists() and run_folder.read_yaml(result).get("value") == results["best_value"]
    return trial if is_same else None


def ties(study: Study) -> list[int]:
    """Return the numbers of the complete trials whose value equals the best trial's."""
    trials = candidates(study)
    best = best_trial(trials, study.direction)
    complete = [trial for trial in trials if best and state_of(trial) is State.COMPLETE]
    return [trial.number for trial in complete if best and trial.value == best.value and trial.number != best.number]


def _results(
    study: Study, trials: list[FrozenTrial], best: FrozenTrial | None, folder: Path, epochs: Epochs
) -> dict[str, Any]:
    counts = count(trials)
    return {
        "name": "optuna",
        "study": study.study_name,
        "best_value": float(best.values[0]) if best else None,
        "best_params": Attempt(best).params if best else None,
        "best_trial": best.number if best else None,
        "best_dir": Attempt(best).trial_folder(folder) if best else None,
        "best_host": Attempt(best).host if best else None,
        "test": None,
        "trials": {
            "complete": counts.complete,
            "pruned": counts.pruned,
            "failed": counts.failed,
            "lost": counts.lost,
        },
        "epochs": {"run": epochs.run, "saved": epochs.saved},
        "seconds": round(sum(attempt.seconds for attempt in map(Attempt, trials) if _has_run(attempt)), 3),
    }


def _has_run(attempt: Attempt) -> bool:
    return attempt.state.is_counted or attempt.state == State.LOST


def _counted(trials: list[FrozenTrial]) -> list[Attempt]:
    return [attempt for attempt in map(Attempt, trials) if attempt.state.is_counted]


def _epochs(trials: list[FrozenTrial], max_epochs: int | None, folds: int | None) -> Epochs:
    counted = _counted(trials)
    run = sum(attempt.epochs for attempt in counted)
    if max_epochs is None:
        return Epochs(run, None)
    pruned = [attempt for attempt in counted if attempt.state == State.PRUNED]
    return Epochs(run, sum(_planned_epochs(attempt.params, max_epochs, folds) - attempt.epochs for attempt in pruned))


def _planned_epochs(params: Mapping[str, Any], max_epochs: int, folds: int | None) -> int:
    """Return the epochs of a trial that is not pruned; an interpolation that varies is left to the config's number."""
    epochs, own_folds = params.get("trainer.max_epochs", max_epochs), params.get("data.folds", folds) or 1
    return (epochs if isinstance(epochs, int) else max_epochs) * (
        own_folds if isinstance(own_folds, int) else folds or 1
    )


def best_command(folder: Path) -> str:
    """Return the command that repeats a study's best trial."""
    name = Path(BEST_FILE).stem
    return shlex.join([*program(), "--config-dir", os.path.relpath(folder), "--config-name", name])
