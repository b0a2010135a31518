"""Where samples come from: a function without arguments that returns Arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Arrays:
    """All samples of a data set.

    inputs: (samples, *input_shape) float32; targets: (samples,) int64 from 0 for classes, float32 for numbers.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.int64] | NDArray[np.float32]

    @property
    def has_classes(self) -> bool:
        return bool(np.issubdtype(self.targets.dtype, np.integer))


def digits() -> Arrays:
    """1797 handwritten digits, 64 grey values each in 0..16 (scikit-learn's copy of UCI's test set)."""
    from sklearn.datasets import load_digits

    inputs, targets = load_digits(return_X_y=True)
    return Arrays(inputs.astype(np.float32), targets.astype(np.int64))


def diabetes() -> Arrays:
    """442 patients, 10 measurements, disease progression after a year (Efron et al. 2004)."""
    from sklearn.datasets import load_diabetes

    inputs, targets = load_diabetes(return_X_y=True, scaled=False)
    return Arrays(inputs.astype(np.float32), targets.astype(np.float32))
