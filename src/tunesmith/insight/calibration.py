"""Calibration of predicted classes: whether a model that says 80 % is right in 80 % of the cases."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Bins of confidence of equal width over 0..1, as Guo et al. take.
NUM_BINS = 15


def calibration_error(probabilities: NDArray[np.float64], targets: NDArray[np.int64]) -> float:
    """Return the expected calibration error (ECE), 0..1.

    Samples are put into NUM_BINS bins by the probability of their predicted class; the error is the mean over samples
    of the gap between accuracy and mean probability of the sample's bin. Guo et al. 2017, arXiv:1706.04599, equation 3.

    probabilities: (samples, classes); targets: (samples,), indices of classes.
    """
    confidence = probabilities.max(axis=1)
    hits = probabilities.argmax(axis=1) == targets
    bins = np.clip(np.ceil(confidence * NUM_BINS).astype(int) - 1, 0, NUM_BINS - 1)
    gaps = np.bincount(bins, weights=hits - confidence, minlength=NUM_BINS)
    return float(np.abs(gaps).sum() / len(targets))
