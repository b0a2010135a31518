"""A run that goes on in a folder other than that of its checkpoint takes the record of the run with it."""

from __future__ import annotations

import shutil
from pathlib import Path

from omegaconf import DictConfig

from tunesmith.checks import check_folder
from tunesmith.errors import UserError
from tunesmith.run_folder import (
    BEST_CHECKPOINT,
    CONFIG_FILE,
    DATA_FACTS_FILE,
    LAYERS_FILE,
    METRICS_FILE,
    PREPARATION_FILE,
    PROBES_FILE,
    RESULT_FILE,
    checkpoint_folder,
    read_yaml,
)

# What belongs to the run, not to the attempt that has ended.
_OF_THE_RUN = (
    *(METRICS_FILE, LAYERS_FILE, PROBES_FILE, "checkpoints", "fold_*", "lr_find.*", PREPARATION_FILE, DATA_FACTS_FILE),
)


def check_run_folder(config: DictConfig, is_rank_zero: bool) -> None:
    """Make the folder that hydra.run.dir names; raise UserError if a run cannot begin, or go on, in it.

    is_rank_zero: other ranks find the folder as their run has made it.
    """
    given = config.hydra.run.dir
    if not given:  # Path("") would be the current folder
        raise UserError("hydra.run.dir must be a folder; got '': leave it out, or type hydra.run.dir=FOLDER")
    folder = Path(given)
    if is_rank_zero and config.get("ckpt_path") is not None:
        check_resume_folder("hydra.run.dir", folder, config)
    elif is_rank_zero and _is_finished(folder):
        raise UserError(
            f"hydra.run.dir must be a folder without a finished run, which would be overwritten; got {folder}: type "
            "another one, or remove it first"
        )
    check_folder("hydra.run.dir", folder)


def _is_finished(folder: Path) -> bool:
    file = folder / RESULT_FILE
    return file.is_file() and read_yaml(file).get("state") == "COMPLETE"


def check_resume_folder(key: str, folder: Path, cfg: DictConfig) -> None:
    """Raise UserError unless a run can go on in a folder: that of its checkpoint, or one without a run.

    key: names the folder.
    """
    checkpoint = Path(cfg.ckpt_path).resolve()
    begun = checkpoint_folder(Path(cfg.ckpt_path))
    if folder.resolve() == begun.resolve() and checkpoint.parent.name != BEST_CHECKPOINT.parent.name:
        raise UserError(
            f"ckpt_path must be FOLDER/{BEST_CHECKPOINT.parent}/NAME of a run, which goes on in FOLDER; got "
            f"'{cfg.ckpt_path}': name a folder to go on in by {key}"
        )
    has_run = any((folder / file).exists() for file in (CONFIG_FILE, METRICS_FILE))
    if has_run and folder.resolve() != begun.resolve():
        raise UserError(
            f"{key} must be the folder of ckpt_path ({begun}), in which the run goes on, or a new one; got {folder}, "
            f"in which another run lies: leave {key} out"
        )


def copy_begun(cfg: DictConfig, folder: Path) -> None:
    """Copy metrics.csv, checkpoints and folds into the folder that the run goes on in, if it is another one."""
    begun = checkpoint_folder(Path(cfg.ckpt_path))
    if folder.resolve() == begun.resolve() or not (begun / CONFIG_FILE).is_file():
        return
    for path in (path for name in _OF_THE_RUN for path in begun.glob(name)):
        if path.is_dir():
            ignored = shutil.ignore_patterns("events.out.tfevents.*")
            shutil.copytree(path, folder / path.name, ignore=ignored, dirs_exist_ok=True)
        else:
            shutil.copy2(path, folder)
