"""One plain line per epoch, for log files and pipes."""

from __future__ import annotations

import logging
from collections.abc import Mapping

log = logging.getLogger(__name__)


def log_epoch_line(epoch: int, num_epochs: int | None, values: Mapping[str, float], step: int | None = None) -> None:
    """Log "epoch 3/100  train/loss 0.123 ..."; epoch: from 1; values: as metrics.csv has them.

    step: the optimizer's, if an epoch may have several validations.
    """
    at_step = "" if step is None else f"  step {step}"
    metrics = "  ".join(f"{name} {value:.4g}" for name, value in values.items()) or "not validated"
    log.info("epoch %d/%s%s  %s", epoch, num_epochs, at_step, metrics)
