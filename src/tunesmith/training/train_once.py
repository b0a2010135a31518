"""One training, by the engine that its config chooses."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path

from omegaconf import DictConfig

from tunesmith.reporting import Reporter
from tunesmith.run_folder import read_metrics
from tunesmith.training.engine import LEAN, LIGHTNING, NeedsTrainer, choose_engine, with_lightning
from tunesmith.training.result import Result

log = logging.getLogger(__name__)


def train_once(
    cfg: DictConfig,
    folder: Path,
    reporter: Reporter,
    checkpoint: Path | None = None,
    fold: int | None = None,
    of_other_fold: Path | None = None,
) -> Result:
    """Train once and return the content of result.yaml; its state says how the training ended.

    Each engine is imported by the run that needs it: the lean one imports nothing of Lightning's.

    checkpoint: of an earlier attempt, which the training continues; fold: which of data.folds to train on, from 0.
    of_other_fold: a checkpoint of an earlier attempt at another fold, whose data these must be.

    Raises:
        UserError: a mistake in the config, or other data; nothing is recorded.
        KeyboardInterrupt: Ctrl-C; the run can be resumed from checkpoints/last.ckpt.
    """
    if choose_engine(cfg).name == LEAN:
        from tunesmith.training.lean import fit as lean

        num_rows = len(read_metrics(folder))
        try:
            return lean.train_once(cfg, folder, reporter, checkpoint, fold, of_other_fold)
        except NeedsTrainer as needs:
            cfg = with_lightning(cfg, needs)
            if len(read_metrics(folder)) > num_rows:  # an epoch has been reported
                raise
            _tell(needs.reason)
    from tunesmith.training import fit

    return fit.train_once(cfg, folder, reporter, checkpoint, fold, of_other_fold)


@cache
def _tell(reason: str) -> None:
    """Say once in a process why its trials are trained by Lightning."""
    log.warning("engine %s: %s", LIGHTNING, reason)
