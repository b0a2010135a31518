"""Study -> optimization_results.yaml, best.yaml, trials.csv."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from optuna import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tunesmith import history
from tunesmith.search.study import REASON, best_trial, count, folder_name, is_counted, is_lost, trial_value

RESULTS_FILE = "optimization_results.yaml"
BEST_FILE = "best.yaml"
TRIALS_FILE = "trials.csv"

# The parts of a trial's hydra node that a run or a sweep of best.yaml needs; interpolations stay.
_HYDRA_PARTS = ("job.name", "run", "sweep", "callbacks", "job_logging")
_TRIAL_COLUMNS = ("number", "state", "value", "epochs", "seconds", "folder", "reason")


@dataclass(frozen=True)
class Epochs:
    """Epochs that a study trained, and those that pruning spared."""

    run: int
    saved: int | None


def write_results(study: Study, folder: Path, max_epochs: int | None) -> dict[str, Any]:
    """Write what a study leaves behind; return the content of optimization_results.yaml.

    max_epochs: of a trial, to count what pruning saved; None where the app has no such number.
    """
    trials = study.get_trials(deepcopy=False)
    best = best_trial(trials, study.direction)
    results = _results(study, trials, best, folder, max_epochs)
    _write_text(folder / TRIALS_FILE, _trials_csv(trials, study.direction))
    if best is not None:
        _write_best_config(folder, folder / folder_name(best))
    history.write_yaml(folder / RESULTS_FILE, results)
    return results


def write_test(folder: Path, results: dict[str, Any], test: Mapping[str, Any]) -> dict[str, Any]:
    """Add the best trial's test metrics to optimization_results.yaml."""
    results = {**results, "test": dict(test)}
    history.write_yaml(folder / RESULTS_FILE, results)
    return results


def stored_test(folder: Path, results: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the best trial's test.yaml where it was evaluated before: test data is touched once per trial."""
    if results["best_dir"] is None:
        return None
    path = folder / str(results["best_dir"]) / history.TEST_FILE
    return history.read_yaml(path) if path.exists() else None


def _results(
    study: Study, trials: list[FrozenTrial], best: FrozenTrial | None, folder: Path, max_epochs: int | None
) -> dict[str, Any]:
    counts = count(study)
    epochs = _epochs(trials, max_epochs)
    return {
        "name": "optuna",
        "study": study.study_name,
        "best_value": float(best.values[0]) if best else None,
        "best_params": dict(best.params) if best else None,
        "best_trial": best.number if best else None,
        "best_dir": folder_name(best) if best else None,
        "test": None,
        "trials": {
            "complete": counts.complete,
            "pruned": counts.pruned,
            "failed": counts.failed,
            "lost": counts.lost,
        },
        "epochs": {"run": epochs.run, "saved": epochs.saved},
        "seconds": round(sum(_seconds(trial) for trial in trials if is_counted(trial) or is_lost(trial)), 3),
    }


def _epochs(trials: list[FrozenTrial], max_epochs: int | None) -> Epochs:
    counted = [trial for trial in trials if is_counted(trial)]
    run = sum(len(trial.intermediate_values) for trial in counted)
    if max_epochs is None:
        return Epochs(run, None)
    pruned = [trial for trial in counted if trial.state == TrialState.PRUNED]
    spared = [trial.params.get("trainer.max_epochs", max_epochs) - len(trial.intermediate_values) for trial in pruned]
    return Epochs(run, sum(spared))


def _seconds(trial: FrozenTrial) -> float:
    return trial.duration.total_seconds() if trial.duration else 0.0


def _trials_csv(trials: list[FrozenTrial], direction: StudyDirection) -> str:
    counted = [trial for trial in trials if is_counted(trial)]
    keys = list(dict.fromkeys(key for trial in counted for key in trial.params))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_TRIAL_COLUMNS, *keys])
    for trial in counted:
        value = trial_value(trial, direction)
        row = [
            trial.number,
            trial.state.name,
            "" if value is None else repr(value),
            len(trial.intermediate_values),
        ]
        row += [round(_seconds(trial), 3), folder_name(trial), trial.user_attrs.get(REASON, "")]
        writer.writerow(row + [trial.params.get(key, "") for key in keys])
    return text.getvalue()


def _write_best_config(folder: Path, trial_folder: Path) -> None:
    """Write best.yaml: the trial's values, and the hydra half that gives its re-run a folder of its own."""
    config_file, hydra_file = (trial_folder / ".hydra" / name for name in ("config.yaml", "hydra.yaml"))
    if not config_file.exists():
        return
    config, hydra = OmegaConf.load(config_file), OmegaConf.load(hydra_file)
    assert isinstance(config, DictConfig)
    assert isinstance(hydra, DictConfig)
    values = OmegaConf.to_container(config, resolve=True)
    assert isinstance(values, dict)
    content = OmegaConf.create({"hydra": {}})
    for part in _HYDRA_PARTS:
        node = OmegaConf.select(hydra.hydra, part) if part == "job.name" else hydra.hydra.get(part)
        if node is not None:
            OmegaConf.update(content, f"hydra.{part}", _unresolved(node), force_add=True)
    command = f"python {config_command(folder)}"
    text = f"# The best trial's configuration. Repeat it: {command}\n"
    _write_text(folder / BEST_FILE, text + OmegaConf.to_yaml(OmegaConf.merge(OmegaConf.create(values), content)))


def config_command(folder: Path) -> str:
    """Return the arguments of train.py that repeat a study's best trial."""
    return f"train.py --config-dir {os.path.relpath(folder)} --config-name {Path(BEST_FILE).stem}"


def _unresolved(node: Any) -> Any:
    return OmegaConf.to_container(node, resolve=False) if OmegaConf.is_config(node) else node


def _write_text(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text)
    os.replace(temporary, path)
