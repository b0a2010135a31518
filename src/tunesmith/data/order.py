"""Whether samples lie in the order of their targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.give_away import ranks

# Fewer changes than this tell nothing: chance alone brings half of them in one of a thousand orders.
MIN_CHANGES = 20


def measure_order(targets: NDArray[Any]) -> float | None:
    """Return how much neighbours differ, as a part of what they would in a random order: about 1, or near 0 if sorted.

    Classes: how often they differ; numbers: by how many ranks. targets: (samples,), int64 classes or numbers; None: too
    few to tell.
    """
    if targets.dtype == np.int64:
        shares = np.bincount(targets) / max(1, len(targets))
        changes, by_chance = float((targets[1:] != targets[:-1]).sum()), float(1 - (shares**2).sum())
    else:
        of_all = ranks(targets) / max(1, len(targets))
        # two numbers of a uniform distribution are a third of its width apart
        changes, by_chance = float(np.abs(np.diff(of_all)).sum()), float((of_all != of_all[:1]).mean()) / 3
    expected = (len(targets) - 1) * by_chance
    return changes / expected if expected >= MIN_CHANGES else None
