"""Means of few scores, with their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tunesmith.insight.means import mean_of


def test_intervals_are_those_of_student() -> None:
    values = [0.31, 0.29, 0.35, 0.30, 0.33]
    mean = mean_of(values)
    assert mean is not None
    expected = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    assert mean.interval == pytest.approx(expected)
    assert mean_of([0.5]).interval is None  # type: ignore[union-attr]
    assert mean_of([]) is None
