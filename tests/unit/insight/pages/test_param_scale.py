"""A parameter's own scale: where values lie on it, and what its ticks say."""

from __future__ import annotations

import math
from typing import Any

import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from tunesmith.insight.pages.param_scale import ParamScale, make_scale, shorten, to_text


@pytest.mark.parametrize(
    ("distribution", "value", "place"),
    [
        (FloatDistribution(0.0, 2.0), 0.5, 0.5),
        (FloatDistribution(1e-4, 1.0, log=True), 0.01, -2.0),
        (IntDistribution(1, 8), 3, 3.0),
        (CategoricalDistribution(["adam", "sgd"]), "sgd", 1.0),
        (CategoricalDistribution([16, 32]), 32, 1.0),
        (CategoricalDistribution([True, None]), None, 1.0),
    ],
    ids=["linear", "log", "integer", "text", "number among choices", "null"],
)
def test_a_value_lies_on_its_own_scale(distribution: BaseDistribution, value: Any, place: float) -> None:
    is_log = getattr(distribution, "log", False)
    assert make_scale("key", [value], is_log, distribution).place(value) == pytest.approx(place)


@pytest.mark.parametrize("value", ["text", None, math.nan, math.inf, 10**400, -1.0, 0.0, True])
def test_what_a_log_scale_cannot_hold_has_no_place(value: Any) -> None:
    assert ParamScale("key", low=0.1, high=1.0, is_log=True).place(value) is None


def test_a_range_reaches_from_zero() -> None:
    assert make_scale("key", [0.4], distribution=FloatDistribution(0.0, 1.0)).ends == (0.0, 1.0)


def test_values_beyond_the_recorded_range_widen_it() -> None:
    assert make_scale("key", [0.4, 3.0], distribution=FloatDistribution(0.0, 1.0)).ends == (0.0, 3.0)


def test_without_a_distribution_values_tell_the_scale() -> None:
    assert make_scale("key", [3, 1, 2]) == ParamScale("key", (), 1.0, 3.0, is_integer=True)
    assert make_scale("key", ["b", 10, "a", 9]).choices == ("9", "10", "a", "b")


def test_lists_and_long_texts_are_choices_of_their_own() -> None:
    long = ["x" * 80 + end for end in "ab"]
    scale = make_scale("key", [[16], [16, 32], *long])
    assert (len(scale.choices), scale.is_ordered, scale.place([16])) == (4, False, 1.0)
    assert scale.ticks()[1] == ["[16, 32]", "[16]", shorten(long[0]), shorten(long[1])]


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (1e-4, 1.0, ["0.0001", "0.001", "0.01", "0.1", "1"]),
        (0.1, 1.0, ["0.1", "0.2", "0.5", "1"]),
        (32.0, 40.0, ["32", "40"]),
    ],
    ids=["decades", "one decade", "less"],
)
def test_a_log_scale_has_round_ticks_inside_its_range(low: float, high: float, texts: list[str]) -> None:
    places, found = ParamScale("key", low=low, high=high, is_log=True).ticks()
    assert found == texts
    assert places == pytest.approx([math.log10(float(text)) for text in texts])


def test_a_linear_scale_leaves_its_ticks_to_the_axis() -> None:
    assert ParamScale("key").ticks() == ([], [])


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.123456, "0.1235"), (3, "3"), (True, "true"), (None, "null"), ("a b", "a b"), ([1, "x"], '[1, "x"]')],
)
def test_a_value_has_a_text(value: Any, text: str) -> None:
    assert to_text(value) == text


def test_a_text_is_cut_to_what_an_axis_has_room_for() -> None:
    assert (shorten("x" * 24), shorten("x" * 25)) == ("x" * 24, "x" * 23 + "…")
