"""Tests of ranks give SciPy's numbers, and exact ones if values are tied."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tunesmith.insight.study_checks.rank_tests import fisher_tail, mann_whitney, ranks, spearman

RNG = np.random.default_rng(0)


def test_equal_values_share_the_mean_of_their_ranks() -> None:
    assert list(ranks(np.array([3.0, 1.0, 3.0, 2.0]))) == [3.5, 1, 3.5, 2]


@pytest.mark.parametrize("num", [5, 30, 200])
def test_spearman_is_scipys(num: int) -> None:
    first = RNG.normal(size=num)
    second = first + RNG.normal(size=num)
    expected = stats.spearmanr(first, second)
    assert spearman(first, second) == pytest.approx((expected.statistic, expected.pvalue), rel=2e-2)


def test_a_constant_has_no_correlation() -> None:
    assert spearman(np.ones(10), RNG.normal(size=10)) == (0.0, 1.0)


def test_a_perfect_order_has_p_zero() -> None:
    assert spearman(np.arange(10.0), -np.arange(10.0)) == (-1.0, 0.0)


@pytest.mark.parametrize(("few", "many"), [(3, 97), (5, 6), (8, 40)])
def test_small_samples_are_judged_exactly(few: int, many: int) -> None:
    first, second = RNG.normal(0.7, 1, few), RNG.normal(size=many)
    expected = stats.mannwhitneyu(first, second, method="exact")
    share, p = mann_whitney(first, second)
    assert (share, p) == pytest.approx((expected.statistic / (few * many), expected.pvalue))


def test_three_of_a_hundred_that_are_the_highest_are_no_chance() -> None:
    share, p = mann_whitney(np.array([97.0, 98.0, 99.0]), np.arange(97.0))
    assert (share, p) == pytest.approx((1.0, 2 / 161_700))


def test_large_samples_are_judged_by_the_normal_distribution_with_ties() -> None:
    first, second = RNG.integers(0, 9, 20).astype(float), RNG.integers(2, 9, 60).astype(float)
    expected = stats.mannwhitneyu(first, second, method="asymptotic")
    assert mann_whitney(first, second)[1] == pytest.approx(expected.pvalue, rel=1e-6)


def test_fishers_tail_is_scipys() -> None:
    expected = stats.fisher_exact([[4, 1], [10, 85]], alternative="greater").pvalue
    assert fisher_tail(hits=4, marked=14, drawn=5, total=100) == pytest.approx(expected)
