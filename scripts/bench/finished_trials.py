"""What a study says of the trials that a sweep has run."""

from pathlib import Path

import optuna
from optuna.trial import FrozenTrial

from tunesmith.search.storage.storage import open_journal
from tunesmith.search.study.trial import Attempt


def counted(folder: Path, study: str) -> list[FrozenTrial]:
    storage = open_journal(folder / "outputs" / "sweeps" / study / "study.journal")
    return [
        trial
        for trial in optuna.load_study(study_name=study, storage=storage).trials
        if Attempt(trial).state.is_counted
    ]


def span(trials: list[FrozenTrial]) -> float:
    """Return the seconds from the first ask to the last tell."""
    begin, end = min(trial.datetime_start for trial in trials), max(trial.datetime_complete for trial in trials)
    return (end - begin).total_seconds()


def epochs_of(trials: list[FrozenTrial]) -> int:
    return sum(Attempt(trial).epochs for trial in trials)
