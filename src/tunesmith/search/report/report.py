"""Writes report.html of a study, from what its storage and its folder hold."""

from __future__ import annotations

import time
from pathlib import Path

from tunesmith import run_folder
from tunesmith.insight.pages.study_page import study_page
from tunesmith.search.report.commands import Commands
from tunesmith.search.report.facts import read_study
from tunesmith.search.report.stored import Stored


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
