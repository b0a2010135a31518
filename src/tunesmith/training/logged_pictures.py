"""Pictures of a run for the loggers that take some: TensorBoard's, and those whose class has log_image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from tunesmith.run_folder import read_metrics
from tunesmith.training.late_writer import late_writer
from tunesmith.training.loggers import RunLogger, SummaryWriter

Take = Callable[[str, bytes, int], None]

# The others are rows of small images, which the page shows.
_LOGGED = ("curves", "confusion", "residuals")


def log_pictures(loggers: Sequence[RunLogger], folder: Path) -> None:
    """Draw a run's curves, and its confusion matrix or residuals, for its loggers.

    It takes .7 s, half of which is matplotlib's import; without such a logger nothing is drawn.
    """
    takers = list(filter(None, map(_taker, loggers)))
    rows = read_metrics(folder)
    if not takers or not rows:
        return
    from tunesmith.insight.run_plots import run_pictures

    draws = run_pictures(folder)
    for name in (name for name in _LOGGED if name in draws):
        stream = BytesIO()
        draws[name](stream)
        for take in takers:
            take(name, stream.getvalue(), int(rows[-1]["epoch"]))


def _taker(logger: Any) -> Take | None:
    """Return what gives a logger a PNG by its name at a step; None if it takes no pictures."""
    if (writer := late_writer(logger)) is not None:
        return partial(_add_summary, writer)
    return partial(_log_image, logger) if hasattr(logger, "log_image") else None


def _add_summary(writer: SummaryWriter, name: str, png: bytes, step: int) -> None:
    from tunesmith.training.summaries import image

    writer.add_summary(image(name, png), step)


def _log_image(logger: Any, name: str, png: bytes, step: int) -> None:
    from PIL import Image

    logger.log_image(name, [Image.open(BytesIO(png))], step=step)
