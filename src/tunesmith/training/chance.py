"""What a test part of so many samples leaves to chance: standard errors of its metrics; and the calibration."""

from __future__ import annotations

from torch import Tensor

from tunesmith.insight.calibration import calibration_error
from tunesmith.insight.part_outputs import CLASSES, LABELS, NUMBERS


def second_metric_se(kind: str, outputs: Tensor, targets: Tensor, target_scale: float) -> dict[str, float]:
    """Return the standard error of the accuracy, or of the RMSE in the target's unit; empty if nothing varies.

    The metric is a mean over samples, of which each is one draw, however many labels or pixels it has. The RMSE is the
    root of such a mean: its error is that of the mean, divided by two RMSE (delta method).

    kind: of EpochMetrics; outputs: (samples, classes, ...) or as the targets; targets: (samples, ...).
    """
    if kind == NUMBERS:
        squares = (outputs - targets).double().square().reshape(len(targets), -1).mean(1)
        rmse = squares.mean().sqrt().item()
        return {"rmse_se": target_scale * _se_of_mean(squares) / (2 * rmse)} if rmse else {}
    assert kind in (CLASSES, LABELS)
    chosen = outputs.argmax(1) if kind == CLASSES else outputs > 0
    return {"acc_se": _se_of_mean((chosen == targets).double().reshape(len(targets), -1).mean(1))}


def calibration(kind: str, outputs: Tensor, targets: Tensor) -> dict[str, float]:
    """Return the expected calibration error if each target is one class; outputs: logits, (samples, classes)."""
    if kind != CLASSES or targets.ndim > 1 or not outputs.isfinite().all():
        return {}
    return {"ece": calibration_error(outputs.double().softmax(1).numpy(), targets.numpy())}


def _se_of_mean(values: Tensor) -> float:
    return float(values.std(correction=0)) / float(len(values) ** 0.5)
