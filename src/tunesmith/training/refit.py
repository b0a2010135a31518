"""Refit: a finished run's configuration, trained again on all but the test part."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from tunesmith import run_folder
from tunesmith.errors import RunFailed
from tunesmith.reporting import NoReporter
from tunesmith.training.memory import free_cuda
from tunesmith.training.refit_config import check_can_refit, make_refit_config
from tunesmith.training.saving import RECORD_STATE
from tunesmith.training.train_once import train_once
from tunesmith.training.weights import read_part


def refit(folder: Path, cfg: DictConfig) -> tuple[Path, DictConfig]:
    """Train a run's configuration on training and validation part for its best epochs; return folder and config.

    The refit lies in the run's folder, in refit/. Its checkpoints/best.ckpt is that of its last epoch, its result.yaml
    has no value. A finished refit is left as it is; one that was killed goes on.

    cfg: the run's.

    Raises:
        UserError: the run cannot be refitted, or its data have changed.
        RunFailed: the loss became NaN or infinite.
    """
    check_can_refit(cfg)
    config, place = make_refit_config(cfg, folder), folder / run_folder.REFIT_FOLDER
    epochs = config.refit.epochs
    if is_done(place):
        return place, config
    (place / run_folder.CONFIG_FILE).parent.mkdir(parents=True, exist_ok=True)
    run_folder.write_text(place / run_folder.CONFIG_FILE, OmegaConf.to_yaml(config))
    try:
        result = train_once(config, place, NoReporter(), _checkpoint(place, epochs), of_other_fold=_trained(folder))
    finally:
        free_cuda()
    if result["state"] == "FAIL":
        raise RunFailed(f"refit: {result['reason']}")
    return place, config


def is_done(place: Path) -> bool:
    """Whether a refit's folder holds one that has ended."""
    path = place / run_folder.RESULT_FILE
    return path.is_file() and run_folder.read_yaml(path).get("state") == "COMPLETE"


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
