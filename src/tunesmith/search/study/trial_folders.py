"""The folders of a study's trials, and those that the study does not know: its journal was cut, or replaced."""

from __future__ import annotations

from pathlib import Path

from optuna import Study

from tunesmith.errors import UserError, list_names
from tunesmith.search.study.trial import Attempt


def numbered_folders(folder: Path) -> list[int]:
    """Return the numbers of the trials that have left files in a study's folder."""
    named = [each for each in folder.iterdir() if each.name.isdecimal() and each.is_dir()] if folder.is_dir() else []
    return sorted(int(each.name) for each in named if any(each.iterdir()))


def check_folders(study: Study, folder: Path) -> None:
    """Raise UserError if a study's folder has results of trials that the study does not know; writes nothing.

    Their numbers would be given once more, and their folders would get the files of other trials.
    """
    found = numbered_folders(folder)  # first: a trial is in the study before it has a folder
    trials = study.get_trials(deepcopy=False)
    unknown = sorted(set(found) - {Attempt(trial).first_attempt for trial in trials})
    if unknown:
        raise UserError(
            f"hydra.sweep.dir must have no trials that the study does not know; got {folder} with folders of trials "
            f"{list_names(map(str, unknown))}, and a study of {len(trials)}: python scripts/repair.py {folder} takes "
            "them into the study; or move them away"
        )
