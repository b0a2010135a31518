"""Whether samples lie in the order of their targets."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tunesmith.data.order import measure_order

RANDOM = np.random.default_rng(0)
CLASSES, NUMBERS = np.repeat(np.arange(3), 100), np.arange(300.0) ** 2


@pytest.mark.parametrize("targets", [CLASSES, NUMBERS], ids=["classes", "numbers"])
def test_sorted_targets_hardly_change_and_a_random_order_does(targets: NDArray[np.generic]) -> None:
    in_order, anyhow = measure_order(targets), measure_order(RANDOM.permutation(targets))
    assert in_order is not None
    assert in_order < 0.02
    assert anyhow == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    "targets",
    [CLASSES[:25], np.zeros(300, np.int64), np.arange(300) // 299, np.ones(300)],
    ids=["few", "one class", "a rare class", "one number"],
)
def test_too_few_changes_tell_nothing(targets: NDArray[np.generic]) -> None:
    assert measure_order(targets) is None
