"""One plain line per epoch, for log files, pipes and terminals."""

from __future__ import annotations

import logging
from collections.abc import Mapping

log = logging.getLogger(__name__)


def log_epoch_line(
    epoch: int, num_epochs: int | None, values: Mapping[str, float], step: int | None = None, fold: str = ""
) -> None:
    """Log "epoch 3/100  train/loss 0.123 ..."; epoch: from 1; values: as metrics.csv has them.

    num_epochs: None or Lightning's -1 if the run has no last epoch; fold: "2/5" of the second of five folds.
    step: the optimizer's, if an epoch may have several validations.
    """
    of = f"/{num_epochs}" if num_epochs is not None and num_epochs > 0 else ""
    of_fold = f"  fold {fold}" if fold else ""
    at_step = "" if step is None else f"  step {step}"
    metrics = "  ".join(f"{name} {value:.4g}" for name, value in values.items()) or "not validated"
    log.info("epoch %d%s%s%s  %s", epoch, of, of_fold, at_step, metrics)
