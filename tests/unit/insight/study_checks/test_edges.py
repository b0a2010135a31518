"""Edges of ranges: found if the best trials lie there, with the widened range as the next override."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from checked import LR, complete, drawn, lr_at

from tunesmith.insight.study_checks.edges import edges_of_ranges
from tunesmith.insight.study_checks.trials import CheckedStudy


@pytest.mark.parametrize(
    ("loss", "override"),
    [
        (lambda place, kind: -place, "lr=tag(log,interval(0.0001,3.2))"),
        (lambda place, kind: place, "lr=tag(log,interval(3.2e-06,0.1))"),
    ],
    ids=["upper", "lower"],
)
def test_values_that_get_better_up_to_an_edge_ask_for_more(loss: Callable[[float, str], float], override: str) -> None:
    (finding,) = edges_of_ranges(drawn(40, loss))
    assert finding.override == override
    assert finding.text.startswith("lr: the best 5 trials lie at the ")


def test_a_study_that_maximizes_is_the_mirror_image() -> None:
    (finding,) = edges_of_ranges(drawn(40, lambda place, kind: place, is_maximized=True))
    assert finding.text.startswith("lr: the best 5 trials lie at the upper edge of its range, 0.1")


@pytest.mark.parametrize(
    "loss",
    [lambda place, kind: (place - 0.6) ** 2, lambda place, kind: 0.0, lambda place, kind: abs(place - 0.8)],
    ids=["inside", "no effect", "near an edge"],
)
def test_an_optimum_inside_is_no_edge(loss: Callable[[float, str], float]) -> None:
    assert list(edges_of_ranges(drawn(60, loss))) == []


def test_a_bound_that_a_rule_holds_is_no_advice() -> None:
    study = drawn(40, lambda place, kind: -place, allows=lambda key, value: value <= 0.1)
    assert list(edges_of_ranges(study)) == []


def test_the_key_with_the_greatest_effect_comes_first() -> None:
    places = [number / 40 for number in range(41)]
    others = [((7 * number) % 41) / 41 for number in range(41)]
    trials = [
        complete(number, -places[number] - 3 * others[number], lr=lr_at(places[number]), decay=lr_at(others[number]))
        for number in range(41)
    ]
    found = edges_of_ranges(CheckedStudy(trials, {**LR, "decay": LR["lr"]}))
    assert [finding.text.partition(":")[0] for finding in found] == ["decay", "lr"]
