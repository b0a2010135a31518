"""A total, shared out in proportion, between 1 and what each stage can take."""

from __future__ import annotations

import math
import random

import pytest

from tunesmith.search.stages.shares import share_out

ANY = math.inf


@pytest.mark.parametrize(
    ("total", "parts", "most", "shares"),
    [
        (30, [20, 10], [ANY, ANY], [20, 10]),
        (45, [15, 15, 15], [ANY] * 3, [15, 15, 15]),
        (10, [20, 10], [ANY, ANY], [7, 3]),
        (3, [27, 3, 1], [ANY] * 3, [1, 1, 1]),
        (4, [27, 3, 1], [ANY] * 3, [2, 1, 1]),
        (100, [27, 3], [ANY, 3], [97, 3]),
        (30, [100, 1], [3, 100], [3, 27]),
        (100, [1, 1], [9, 5], [9, 5]),
        (10, [10, 0.001, 0.001], [9, ANY, ANY], [8, 1, 1]),
    ],
)
def test_shares(total: int, parts: list[float], most: list[float], shares: list[int]) -> None:
    assert share_out(total, parts, most) == shares


def test_no_stage_loses_trials_by_a_larger_total() -> None:
    """The largest remainder would take one away: a study that goes on with more trials keeps all that it has run."""
    generator = random.Random(0)
    for _ in range(50):
        number = generator.randint(1, 6)
        parts = [generator.choice([1, 3, 10, 27, 100]) for _ in range(number)]
        most = [generator.choice([ANY, 2, 9, 30]) for _ in range(number)]
        before = [1] * number
        for total in range(number, 80):
            shares = share_out(total, parts, most)
            assert all(old <= new <= limit for old, new, limit in zip(before, shares, most, strict=True))
            assert sum(shares) == min(total, sum(most))
            before = shares
