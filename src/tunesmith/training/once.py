"""One training, of a run or of a fold, by the engine that trains the config."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig

from tunesmith.reporting import Reporter
from tunesmith.training.result import Result


def train_once(
    cfg: DictConfig,
    folder: Path,
    reporter: Reporter,
    checkpoint: Path | None = None,
    fold: int | None = None,
    of_other_fold: Path | None = None,
) -> Result:
    """Train once and return the content of result.yaml, see training.fit.train_once; imports no other engine."""
    from tunesmith.training.fit import train_once

    return train_once(cfg, folder, reporter, checkpoint, fold, of_other_fold)
