"""What a folder is of: a study or a run."""

from __future__ import annotations

from pathlib import Path

from tunesmith.errors import UserError
from tunesmith.run_folder import CONFIG_FILE, METRICS_FILE, RESULT_FILE, run_rooms
from tunesmith.search.results import MULTIRUN_FILE, RESULTS_FILE
from tunesmith.search.storage.storage import JOURNAL_FILE
from tunesmith.search.study.trial_folders import numbered_folders
from tunesmith.search.trials_table import TRIALS_FILE

_OF_A_STUDY = (MULTIRUN_FILE, RESULTS_FILE, JOURNAL_FILE, TRIALS_FILE)
_OF_A_RUN = (CONFIG_FILE, METRICS_FILE, RESULT_FILE)


def is_study(folder: Path) -> bool:
    """Tell a study's folder, whatever is left of it, from a run's.

    Raises:
        UserError: the folder is neither's.
    """
    is_run = any((folder / name).is_file() for name in _OF_A_RUN)
    has_folds = any((room / METRICS_FILE).is_file() for room in run_rooms(folder))
    if any((folder / name).is_file() for name in _OF_A_STUDY) or (not is_run and numbered_folders(folder)):
        return True
    if is_run or has_folds:
        return False
    raise UserError(f"folder must be one that a study or a run left; got {folder}")
