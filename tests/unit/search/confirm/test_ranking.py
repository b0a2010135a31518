"""Repeats on common seeds: the order, the intervals, ties, and how lucky a first score was."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from scipy import stats

from tunesmith.search.confirm.ranking import Repeats, optimism, rank


def repeats(trial: int, *values: float, first: float = 0.0, failed: int = 0) -> Repeats:
    return Repeats(trial, first, dict(enumerate(values, start=1)), failed)


@pytest.mark.parametrize(
    ("candidates", "is_maximized", "order"),
    [
        pytest.param([repeats(0, 3, 3), repeats(1, 1, 2), repeats(2, 2, 2)], False, [1, 2, 0], id="by mean"),
        pytest.param([repeats(0, 3, 3), repeats(1, 1, 2), repeats(2, 2, 2)], True, [0, 2, 1], id="maximized"),
        pytest.param([repeats(0, 1, failed=1), repeats(1, 9, 9)], False, [1, 0], id="failed on a seed"),
        pytest.param([repeats(0, failed=2), repeats(1, 1, failed=1)], False, [1, 0], id="failed on all"),
        pytest.param([repeats(0, 1, 1, first=2), repeats(1, 1, 1, first=1)], False, [1, 0], id="equal means"),
        pytest.param([repeats(4, 1), repeats(3, 1)], False, [3, 4], id="equal in all"),
        pytest.param([], False, [], id="none"),
    ],
)
def test_order(candidates: list[Repeats], is_maximized: bool, order: list[int]) -> None:
    assert [ranked.repeats.trial for ranked in rank(candidates, is_maximized)] == order


@pytest.mark.parametrize(
    ("first", "second", "is_tie"),
    [
        pytest.param({1: 0.1, 2: 0.3, 3: 0.5}, {1: 0.12, 2: 0.33, 3: 0.52}, False, id="worse on each seed alike"),
        pytest.param({1: 0.1, 2: 0.3, 3: 0.5}, {1: 0.3, 2: 0.1, 3: 0.6}, True, id="worse on some"),
        pytest.param({1: 0.1, 2: 0.3, 3: 0.5}, {1: 0.1, 2: 0.3, 3: 0.5}, True, id="equal"),
        pytest.param({1: 0.1, 2: 0.3, 3: 0.5}, {1: 0.9}, True, id="one seed in common says nothing"),
        pytest.param({1: 0.1, 2: 0.3, 3: 0.5}, {}, True, id="none in common"),
        pytest.param({1: 0.1, 2: 0.1}, {1: 0.2, 2: 0.2}, False, id="without noise"),
    ],
)
def test_ties_are_told_by_paired_differences(
    first: Mapping[int, float], second: Mapping[int, float], is_tie: bool
) -> None:
    ranked = rank([Repeats(0, 0.0, first), Repeats(1, 0.0, second)], False)
    assert (ranked[0].repeats.trial, ranked[0].difference) == (0, None)
    assert ranked[1].is_tie == is_tie


def test_a_difference_is_wider_apart_than_the_means_intervals() -> None:
    """What a seed adds to both is not in the difference: unpaired, these intervals overlap."""
    ranked = rank([repeats(0, 0.1, 0.3, 0.5), repeats(1, 0.12, 0.33, 0.52)], False)
    means = [each.mean for each in ranked]
    assert means[0] is not None
    assert means[1] is not None
    assert means[0].interval[1] > means[1].interval[0]  # type: ignore[index]
    difference = ranked[1].difference
    assert difference is not None
    assert difference.interval == pytest.approx(stats.t.interval(0.95, 2, 0.07 / 3, stats.sem([0.02, 0.03, 0.02])))


@pytest.mark.parametrize(("is_maximized", "luck"), [(False, 0.2), (True, -0.2)])
def test_optimism_is_what_a_first_score_was_better_by(is_maximized: bool, luck: float) -> None:
    assert optimism(rank([repeats(0, 0.4, 0.6, first=0.3)], is_maximized)[0], is_maximized) == pytest.approx(luck)
    assert optimism(rank([repeats(0, first=0.3)], is_maximized)[0], is_maximized) is None
