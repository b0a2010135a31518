"""The command that goes on with an interrupted run."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from hydra.core.hydra_config import HydraConfig

from tunesmith.config.quoting import override
from tunesmith.run_folder import BEST_CHECKPOINT, LAST_CHECKPOINT, REFIT_FOLDER
from tunesmith.typed_command import program


def resume_command(folder: Path) -> str | None:
    """Return this process's command with the last checkpoint of a run folder, to be pasted; None if there is none.

    Any checkpoint of a fold stands for all folds. If the run is over and its refit has begun, a script goes on.
    """
    if (folder / REFIT_FOLDER).is_dir() and not (folder / LAST_CHECKPOINT).exists():
        return shlex.join(["python", "scripts/refit.py", typed_path(folder)])
    for name in (str(LAST_CHECKPOINT), f"*/{LAST_CHECKPOINT}", f"*/{BEST_CHECKPOINT}", str(BEST_CHECKPOINT)):
        for checkpoint in sorted(folder.glob(name)):
            typed = [text for text in sys.argv[1:] if not text.lstrip("+").startswith(("ckpt_path=", "hydra.run.dir="))]
            return shlex.join([*program(), *typed, override("ckpt_path", typed_path(checkpoint))])
    return None


def typed_path(path: Path) -> str:
    """Return a path from where the command was typed; with hydra.job.chdir=true that is not the current folder."""
    start = HydraConfig.get().runtime.cwd if HydraConfig.initialized() else os.getcwd()
    return os.path.relpath(path.absolute(), start)
