"""What must hold of a finished study, whatever was killed while it ran; scripts/chaos.py checks it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tunesmith.run_folder import read_metrics, read_yaml
from tunesmith.search.study.trial import Attempt


def how_it_ended(trial: FrozenTrial) -> tuple[str, float | None]:
    """Return a trial's state and value."""
    return trial.state.name, Attempt(trial).value(StudyDirection.MINIMIZE)


def broken_study(trials: Sequence[FrozenTrial], n_trials: int) -> Iterator[str]:
    """Yield what is wrong in the study: exactly n_trials count, each once, with parameters of its own; none runs."""
    counted = _counted(trials)
    if len(counted) != n_trials:
        yield f"{len(counted)} trials count, not {n_trials}"
    if len({Attempt(trial).first_attempt for trial in counted}) != len(counted):
        yield "a trial counts more than once"
    if len({str(sorted(trial.params.items())) for trial in counted}) != len(counted):
        yield "two trials have the same parameters"
    if any(trial.state == TrialState.RUNNING for trial in trials):
        yield "a trial is left running"


def broken_results(trials: Sequence[FrozenTrial], study_folder: Path) -> Iterator[str]:
    """Yield what is wrong in the files of the study: they say what the study says."""
    counted = _counted(trials)
    results = read_yaml(study_folder / "optimization_results.yaml")
    rows = list(csv.DictReader((study_folder / "trials.csv").read_text().splitlines()))
    if sorted(int(row["number"]) for row in rows) != [trial.number for trial in counted]:
        yield "trials.csv has other trials than the study"
    best = min(trial.value for trial in counted if trial.state == TrialState.COMPLETE)
    if results["best_value"] != best:
        yield f"the best value is {best}, not {results['best_value']}"
    if not isinstance(yaml.safe_load((study_folder / "best.yaml").read_text()), dict):
        yield "best.yaml cannot be read"


def broken_folders(trials: Sequence[FrozenTrial], study_folder: Path, is_training: bool) -> Iterator[str]:
    """Yield what is wrong in the folders of trials that did not fail; is_training: trials leave a training's files."""
    for trial in _counted(trials):
        if trial.state != TrialState.FAIL:
            yield from _broken_folder(trial, study_folder / Attempt(trial).folder_name, is_training)


def _broken_folder(trial: FrozenTrial, folder: Path, is_training: bool) -> Iterator[str]:
    if not (folder / ".hydra" / "config.yaml").exists():
        yield f"{folder.name}/.hydra/config.yaml is missing"
    if not is_training:
        return
    result = read_yaml(folder / "result.yaml")
    if (result["state"], result["value"]) != how_it_ended(trial):
        yield f"{folder.name}/result.yaml says {result['state']} {result['value']}, the study {how_it_ended(trial)}"
    epochs = [int(row["epoch"]) for row in read_metrics(folder)]
    if epochs != list(range(1, result["epochs"] + 1)):
        yield f"{folder.name}/metrics.csv has epochs {epochs}"
    if sorted(trial.intermediate_values) != epochs:
        yield f"trial {trial.number} has reported epochs {sorted(trial.intermediate_values)}, trained {epochs}"
    if [path.name for path in (folder / "checkpoints").iterdir()] != ["best.ckpt"]:
        yield f"{folder.name}/checkpoints holds {sorted(path.name for path in (folder / 'checkpoints').iterdir())}"


def _counted(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    return [trial for trial in trials if Attempt(trial).state.is_counted]
