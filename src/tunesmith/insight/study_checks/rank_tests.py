"""Tests of ranks, exact if there are too few for the normal distribution; scipy.stats takes a second to import."""

from __future__ import annotations

import math

import numpy as np

from tunesmith.insight.study_checks.trials import Floats

# From so many on in the smaller sample, the normal distribution is near enough (Mann and Whitney 1947: 8).
EXACT_BELOW = 9


def ranks(values: Floats) -> Floats:
    """Return the rank of each value from 1 on, equal values sharing the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean_ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2).astype(np.float64)
    return mean_ranks[inverse.reshape(-1)]


def spearman(first: Floats, second: Floats) -> tuple[float, float]:
    """Return the rank correlation and its two-sided p, (0, 1) if one of them is constant or there are less than 4.

    p by t = r sqrt((n - 2) / (1 - r^2)) with n - 2 degrees of freedom; Kendall and Stuart, vol. 2, 31.19.
    """
    if len(first) < 4:
        return 0.0, 1.0
    a, b = ranks(first), ranks(second)
    a, b = a - a.mean(), b - b.mean()
    size = math.sqrt(float(a @ a) * float(b @ b))
    if size == 0:
        return 0.0, 1.0
    rho = max(-1.0, min(1.0, float(a @ b) / size))
    if abs(rho) == 1:
        return rho, 0.0
    freedom = len(first) - 2
    return rho, 2 * _student_tail(abs(rho) * math.sqrt(freedom / (1 - rho * rho)), freedom)


def mann_whitney(few: Floats, many: Floats) -> tuple[float, float]:
    """Return P(a value of few > one of many), ties counting half, and the two-sided p of its being 1/2."""
    num, rest = len(few), len(many)
    all_ranks = ranks(np.concatenate([few, many]))
    rank_sum = float(all_ranks[:num].sum())
    share = (rank_sum - num * (num + 1) / 2) / (num * rest)
    if min(num, rest) < EXACT_BELOW:
        return share, _exact_p(all_ranks, num, rank_sum)
    total = num + rest
    _, counts = np.unique(all_ranks, return_counts=True)
    ties = float((counts**3 - counts).sum()) / (total * (total - 1))
    deviation = math.sqrt(num * rest / 12 * (total + 1 - ties))
    distance = abs(rank_sum - num * (total + 1) / 2) - 0.5
    return share, 1.0 if deviation == 0 else min(1.0, math.erfc(max(0.0, distance) / deviation / math.sqrt(2)))


def fisher_tail(hits: int, marked: int, drawn: int, total: int) -> float:
    """Return the chance of at least so many hits if `drawn` of `total` are drawn, of which `marked` are hits."""
    ways = sum(math.comb(marked, k) * math.comb(total - marked, drawn - k) for k in range(hits, min(marked, drawn) + 1))
    return ways / math.comb(total, drawn)


def _exact_p(all_ranks: Floats, num: int, rank_sum: float) -> float:
    """Return the two-sided p of a rank sum over all ways to choose `num` of the ranks, which may have ties."""
    if num > len(all_ranks) / 2:
        return _exact_p(all_ranks, len(all_ranks) - num, float(all_ranks.sum()) - rank_sum)
    doubled = np.rint(2 * all_ranks).astype(int)
    size = int(np.sort(doubled)[-num:].sum()) + 1
    ways = np.zeros((num + 1, size))
    ways[0, 0] = 1
    for rank in doubled:
        ways[1:, rank:] += ways[:-1, : size - rank].copy()
    sums = ways[num] / ways[num].sum()
    center = num * (len(doubled) + 1)
    distance = abs(round(2 * rank_sum) - center)
    return float(sums[np.abs(np.arange(size) - center) >= distance].sum())


def _student_tail(t: float, freedom: int) -> float:
    """Return P(T > t) of Student's distribution for t >= 0, to about 1e-3 of itself; Wallace 1959."""
    z = (8 * freedom + 1) / (8 * freedom + 3) * math.sqrt(freedom * math.log1p(t * t / freedom))
    return math.erfc(z / math.sqrt(2)) / 2
