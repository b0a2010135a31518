"""The numbers of a run in single precision: what Lightning's callbacks and schedules, and metrics.csv, are given.

Lightning holds each logged metric as a float32 tensor. Whoever compares or writes the float64 of it gets other digits.
"""

from __future__ import annotations

from ctypes import c_float

import numpy as np


def as_float32(value: float) -> float:
    """Return the float32 that is nearest to a value (infinity if it is too large), as early stopping compares it."""
    return c_float(value).value


def shortest_float32(value: float) -> float:
    """Return the float with the fewest digits whose float32 is that of a value: 0.001, not 0.0010000000474974513."""
    return float(str(np.float32(as_float32(value))))
