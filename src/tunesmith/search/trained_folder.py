"""The folder whose model a folder stands for: a run's or trial's is itself, a study's is that of its best trial."""

from __future__ import annotations

import socket
from pathlib import Path

from tunesmith import run_folder
from tunesmith.errors import UserError
from tunesmith.search.results import RESULTS_FILE, find_best


def trained_folder(folder: Path) -> Path:
    """Return the folder of a run; of a study that of its best trial, or of that trial's refit if there is one.

    Raises:
        UserError: the folder is neither, or the study has no best trial here.
    """
    if (folder / run_folder.CONFIG_FILE).is_file():
        return folder
    if not (folder / RESULTS_FILE).is_file():
        run_folder.check_run_folder(folder)
    found = {"best_dir": None, "best_host": None, "best_value": None, **run_folder.read_yaml(folder / RESULTS_FILE)}
    if found["best_dir"] is None:
        reason = "its trials have several objectives" if found.get("solutions") else "no trial ran to its end"
        raise UserError(f"folder must be of a study with a best trial; got {folder} ({reason}): name a trial's folder")
    best = find_best(folder, found)
    if best is None:
        host = found["best_host"]
        reason = "it is not there" if host in (None, socket.gethostname()) else f"it lies on {host}"
        raise UserError(f"folder must hold the study's best trial, {found['best_dir']}; got {folder} ({reason})")
    refit = best / run_folder.REFIT_FOLDER
    is_refitted = all((refit / name).is_file() for name in (run_folder.RESULT_FILE, run_folder.BEST_CHECKPOINT))
    return refit if is_refitted else best
