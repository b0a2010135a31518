"""What writes TensorBoard's summaries of a training that is over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunesmith.training.imported import is_of
from tunesmith.training.loggers import SummaryWriter


def late_writer(logger: Any) -> SummaryWriter | None:
    """Return what writes summaries for a logger; None if it is no TensorBoard's.

    A Trainer has closed the logger's own file: TensorBoard joins the one that is made here.
    """
    if is_of(logger, "lightning.pytorch.loggers.TensorBoardLogger"):
        from tunesmith.training.lean.events import EventFile

        logger.experiment.flush()
        return EventFile(Path(logger.log_dir))
    return logger if hasattr(logger, "add_summary") else None
