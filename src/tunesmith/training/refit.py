"""Refit: a finished run's configuration, trained again on all but the test part."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from tunesmith import run_folder
from tunesmith.errors import RunFailed
from tunesmith.reporting import NoReporter
from tunesmith.training import epoch_line, first_lines
from tunesmith.training.memory import free_cuda
from tunesmith.training.refit_config import check_can_refit, make_refit_config, refit_fields
from tunesmith.training.saving import RECORD_STATE
from tunesmith.training.train_once import train_once
from tunesmith.training.weights import read_part


def refit(folder: Path, cfg: DictConfig, shows_epochs: bool = True) -> tuple[Path, DictConfig]:
    """Train a run's configuration on training and validation part for its best epochs; return folder and config.

    The refit lies in the run's folder, in refit/. Its checkpoints/best.ckpt is that of its last epoch, its result.yaml
    has no value. A finished refit is left as it is; one that was killed goes on.

    cfg: the run's; shows_epochs: whether the first lines and a line per epoch are logged.

    Raises:
        UserError: the run cannot be refitted, or its data have changed.
        RunFailed: the loss became NaN or infinite.
    """
    check_can_refit(cfg)
    config, place = make_refit_config(cfg, folder), folder / run_folder.REFIT_FOLDER
    if _is_done(place, config):
        return place, config
    (place / run_folder.TEST_FILE).unlink(missing_ok=True)  # of a refit before the run went on to a later best epoch
    (place / run_folder.CONFIG_FILE).parent.mkdir(parents=True, exist_ok=True)
    run_folder.write_text(place / run_folder.CONFIG_FILE, OmegaConf.to_yaml(config))
    checkpoint = _checkpoint(place, config.refit.epochs)
    try:
        with nullcontext() if shows_epochs else _no_lines():
            result = train_once(config, place, NoReporter(), checkpoint, of_other_fold=_trained(folder))
    finally:
        free_cuda()
    if result["state"] == "FAIL":
        raise RunFailed(f"refit: {result['reason']}")
    return place, config


def _is_done(place: Path, config: DictConfig) -> bool:
    """Whether a refit's folder holds one that has ended, and was trained for as many epochs."""
    path = place / run_folder.RESULT_FILE
    result = run_folder.read_yaml(path) if path.is_file() else {}
    return result.get("state") == "COMPLETE" and result.get("refit") == refit_fields(config)


@contextmanager
def _no_lines() -> Iterator[None]:
    levels = {each: each.level for each in (first_lines.log, epoch_line.log)}
    for each in levels:
        each.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for each, level in levels.items():
            each.setLevel(level)


def _trained(folder: Path) -> Path:
    """Return a checkpoint of the run, whose data the refit's must be; its preparation is fitted anew."""
    rooms = [folder / run_folder.BEST_CHECKPOINT, folder / run_folder.fold_name(0) / run_folder.BEST_CHECKPOINT]
    return next(path for path in rooms if path.is_file())


def _checkpoint(place: Path, epochs: int) -> Path | None:
    """Return the checkpoint of a refit that was killed; None if it was at its end, or has saved none."""
    last = place / run_folder.LAST_CHECKPOINT
    if not last.is_file():
        return None
    return last if read_part("ckpt_path", last, "callbacks")[RECORD_STATE]["epoch"] < epochs else None
