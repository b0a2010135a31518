"""Writes report.html of a study, from what its storage and its folder hold."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from optuna import Study

from tunesmith import run_folder
from tunesmith.insight.pages.study_page import study_page
from tunesmith.search import command, results
from tunesmith.search.console.lines import rows, say
from tunesmith.search.report.commands import Commands
from tunesmith.search.report.facts import read_study
from tunesmith.search.report.stored import Stored
from tunesmith.search.worker.failure import reason_of


def write_report(folder: Path, stored: Stored | None = None, commands: Commands | None = None) -> Path:
    """Write the page of a study into its folder; return its path.

    stored: the study's trials as a sweep sees them, None: they are read. commands: the sweep's, None: they are made.

    Raises:
        MachineFault: the page cannot be written.
    """
    study = read_study(folder, stored, commands)
    subtitle = f"{study.folder}, as of {time.strftime('%Y-%m-%d %H:%M')}"
    path = folder / run_folder.PAGE_FILE
    run_folder.write_text(path, study_page(study, subtitle))
    return path


def report_at_end(study: Study, folder: Path, study_keys: Mapping[str, str]) -> None:
    """Write the page of a sweep's study, and print its path; if that fails, a line says so, and the results stand.

    study_keys: overrides that lead a command to the study.
    """
    has_best = (folder / results.BEST_FILE).exists()
    try:
        commands = Commands(results.best_command(folder) if has_best else None, command.resume_hint(study_keys))
        trials = study.get_trials(deepcopy=False)
        path = write_report(folder, Stored(study.study_name, trials, study.directions), commands)
    except KeyboardInterrupt:
        say(f"interrupted: {run_folder.PAGE_FILE} is not written; python scripts/report.py {folder} does")
    except Exception as error:  # the results are written and shown, whatever keeps the page from it
        say(f"{run_folder.PAGE_FILE} is not written: {reason_of(error)}")
    else:
        rows([("report", str(path))])
