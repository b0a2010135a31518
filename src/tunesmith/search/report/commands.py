"""The commands that a study's page gives to copy: repeat the best trial, go on with the study."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from tunesmith.config.quoting import override
from tunesmith.insight.pages.plain_values import at, list_at
from tunesmith.search.report.files import Files
from tunesmith.search.results import BEST_FILE


@dataclass(frozen=True)
class Commands:
    """repeat: of the best trial; resume: of the study; None if they cannot be made."""

    repeat: str | None = None
    resume: str | None = None


def commands_of(files: Files) -> Commands:
    """Return the commands as far as the study's folder tells them; to be typed in the folder of this command.

    Hydra keeps the name of the job and what was typed, but no path of the script.
    """
    name = at(files.config, "hydra.job.name")
    script = f"{name}.py" if isinstance(name, str) and Path(name).name == name else None
    if script is None or not Path(script).is_file():
        files.lack("answer", "The command of the sweep is not known here: repeat it where it was typed to go on.")
        return Commands()
    program = ["python", script]
    best = files.folder / BEST_FILE
    repeat = [*program, "--config-dir", os.path.relpath(files.folder), "--config-name", best.stem]
    return Commands(shlex.join(repeat) if best.is_file() else None, shlex.join([*program, *_arguments(files)]))


def _arguments(files: Files) -> list[str]:
    typed = [
        text
        for kind in ("task", "hydra")
        for text in list_at(files.config, f"hydra.overrides.{kind}")
        if isinstance(text, str) and not text.startswith("hydra.mode=")
    ]
    config_name = at(files.config, "hydra.job.config_name")
    is_other = isinstance(config_name, str) and config_name != at(files.config, "hydra.job.name")
    has_name = any(text.lstrip("+").startswith(("study_name=", "hydra.sweeper.study_name=")) for text in typed)
    name = [] if has_name or files.name is None else [override("study_name", files.name)]
    return [*(["--config-name", config_name] if is_other else []), "-m", *typed, *name]
