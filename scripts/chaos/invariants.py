"""What must hold of a finished study, whatever met it while it ran; scripts/chaos.py checks it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tunesmith.run_folder import read_metrics, read_yaml
from tunesmith.search.study.trial import Attempt, State

Ends = Mapping[int, tuple[str, float | None]]


@dataclass
class Costs:
    """What the faults that a study met may have cost it at most.

    lost: attempts; failed: trials; records: of the journal, each of which may have been what is known of one trial.
    """

    lost: int = 0
    failed: int = 0
    records: int = 0


def how_it_ended(trial: FrozenTrial) -> tuple[str, float | None]:
    """Return a trial's state and value."""
    return trial.state.name, Attempt(trial).value(StudyDirection.MINIMIZE)


def ends(trials: Sequence[FrozenTrial]) -> dict[int, tuple[str, float | None]]:
    """Return number -> state and value of each trial that counts."""
    return {trial.number: how_it_ended(trial) for trial in counted(trials)}


def broken_study(trials: Sequence[FrozenTrial], n_trials: int) -> Iterator[str]:
    """Yield what is wrong in the study: exactly n_trials count, each once, with parameters of its own; none runs."""
    ended = counted(trials)
    if len(ended) != n_trials:
        yield f"{len(ended)} trials count, not {n_trials}"
    if len({Attempt(trial).first_attempt for trial in ended}) != len(ended):
        yield "a trial counts more than once"
    if len({str(sorted(trial.params.items())) for trial in ended}) != len(ended):
        yield "two trials have the same parameters"
    if any(trial.state == TrialState.RUNNING for trial in trials):
        yield "a trial is left running"


def broken_history(seen: Ends, trials: Sequence[FrozenTrial], records: int = 0) -> Iterator[str]:
    """Yield each trial that had ended and has another end now, unless so many records were damaged."""
    now = ends(trials)
    changed = [f"trial {number} had ended as {how}" for number, how in seen.items() if now.get(number) != how]
    if len(changed) > records:
        yield from changed


def broken_costs(trials: Sequence[FrozenTrial], costs: Costs) -> Iterator[str]:
    """Yield what was lost or failed beyond what the faults may have cost."""
    attempts = [Attempt(trial) for trial in trials]
    lost = [attempt.number for attempt in attempts if attempt.state is State.LOST]
    failed = [attempt for attempt in attempts if attempt.state is State.FAILED]
    if len(lost) > costs.lost:
        yield f"{len(lost)} attempts were lost, not {costs.lost} at most: {', '.join(map(str, lost))}"
    if len(failed) > costs.failed:
        yield from (f"trial {attempt.first_attempt} failed: {attempt.reason}" for attempt in failed)


def broken_results(trials: Sequence[FrozenTrial], study_folder: Path) -> Iterator[str]:
    """Yield what is wrong in the files of the study: they say what the study says."""
    ended = counted(trials)
    results = read_yaml(study_folder / "optimization_results.yaml")
    rows = list(csv.DictReader((study_folder / "trials.csv").read_text().splitlines()))
    if sorted(int(row["number"]) for row in rows) != [trial.number for trial in ended]:
        yield "trials.csv has other trials than the study"
    best = min(trial.value for trial in ended if trial.state == TrialState.COMPLETE)
    if results["best_value"] != best:
        yield f"the best value is {best}, not {results['best_value']}"
    if not isinstance(yaml.safe_load((study_folder / "best.yaml").read_text()), dict):
        yield "best.yaml cannot be read"


def broken_folders(
    trials: Sequence[FrozenTrial], study_folder: Path, is_training: bool, records: int = 0
) -> Iterator[str]:
    """Yield what is wrong in the folders of trials that did not fail, unless so many records were damaged.

    is_training: trials leave a training's files.
    """
    of_trials = [
        list(_broken_folder(trial, study_folder / Attempt(trial).folder_name, is_training))
        for trial in counted(trials)
        if trial.state != TrialState.FAIL
    ]
    if sum(map(bool, of_trials)) > records:
        yield from (broken for of_trial in of_trials for broken in of_trial)


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


def counted(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return the trials that count for n_trials."""
    return [trial for trial in trials if Attempt(trial).state.is_counted]
