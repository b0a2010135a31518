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
from tunesmith.insight.diagnosis.tally import tally
from tunesmith.search.study.counts import count
from tunesmith.search.study.front import feasible, has_constraints, num_infeasible, pareto_front
from tunesmith.search.study.study import best_trial, candidates
from tunesmith.search.study.trial import Attempt, State
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
    results = {**_results(study, trials, folder, _epochs(trials, max_epochs, folds)), **more}
    run_folder.write_text(folder / TRIALS_FILE, to_csv(trials, study.directions, folder))
    run_folder.write_yaml(folder / RESULTS_FILE, results)
    return results


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
    best = _best_trial(study)
    others = [trial for trial in feasible(candidates(study)) if best and trial.number != best.number]
    return [trial.number for trial in others if best and trial.values == best.values]


def _best_trial(study: Study) -> FrozenTrial | None:
    """Return the best trial; None if none is complete, or with several objectives, where none is the best one."""
    return best_trial(candidates(study), study.direction) if len(study.directions) == 1 else None


def _solutions(study: Study, trials: list[FrozenTrial], folder: Path) -> dict[str, Any]:
    """Return the Pareto front of several objectives, under the official plugin's names; nothing for one objective."""
    if len(study.directions) == 1:
        return {}
    solutions = []
    for attempt in map(Attempt, pareto_front(trials, study.directions)):
        where = {"trial": attempt.number, "dir": attempt.trial_folder(folder), "host": attempt.host}
        solutions.append({"params": attempt.params, "values": attempt.values(study.directions), **where})
    return {"solutions": solutions}


def _results(study: Study, trials: list[FrozenTrial], folder: Path, epochs: Epochs) -> dict[str, Any]:
    counts, best = count(trials), _best_trial(study)
    return {
        "name": "optuna",
        "study": study.study_name,
        "directions": [each.name.lower() for each in study.directions],
        **_solutions(study, trials, folder),
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
        **_infeasible(trials),
        "findings": tally(attempt.findings for attempt in _counted(trials)),
        "epochs": {"run": epochs.run, "saved": epochs.saved},
        "seconds": round(sum(attempt.seconds for attempt in map(Attempt, trials) if _has_run(attempt)), 3),
    }


def _infeasible(trials: list[FrozenTrial]) -> dict[str, int]:
    """Return how many of the trials break a constraint, if any trial was told one."""
    return {"infeasible": num_infeasible(trials)} if any(map(has_constraints, trials)) else {}


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
    return Epochs(run, sum(planned_epochs(attempt.params, max_epochs, folds) - attempt.epochs for attempt in pruned))


def planned_epochs(params: Mapping[str, Any], max_epochs: int, folds: int | None) -> int:
    """Return the epochs of a trial that is not pruned; an interpolation that varies is left to the config's number."""
    epochs, own_folds = params.get("trainer.max_epochs", max_epochs), params.get("data.folds", folds) or 1
    return (epochs if isinstance(epochs, int) else max_epochs) * (
        own_folds if isinstance(own_folds, int) else folds or 1
    )


def best_command(folder: Path) -> str:
    """Return the command that repeats a study's best trial."""
    name = Path(BEST_FILE).stem
    return shlex.join([*program(), "--config-dir", os.path.relpath(folder), "--config-name", name])
