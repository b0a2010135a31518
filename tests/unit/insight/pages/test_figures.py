"""What figures have in common: labels that are no markup, axes whose labels can be read."""

from __future__ import annotations

import math

import pytest

from tunesmith.insight.pages.figures import duration, is_wide, label, log_switch, number, panel_of, value_axis


def test_a_label_is_no_markup_and_keeps_both_ends() -> None:
    assert label("<b>") == "&lt;b&gt;"
    shown = label("a" * 100 + "z" * 100, 30)
    assert (shown[:3], shown[-3:], len(shown)) == ("aaa", "zzz", 30)


@pytest.mark.parametrize(
    ("values", "wide"),
    [
        ([1, 31], True),
        ([1, 30], False),
        ([0, 31], False),
        ([-1, 31], False),
        ([1, math.nan, None, 31], True),
        ([], False),
    ],
)
def test_positive_values_over_a_factor_of_30_are_wide(values: list[float | None], wide: bool) -> None:
    assert is_wide(values) is wide


def test_a_log_axis_labels_1_2_5_up_to_three_decades() -> None:
    assert value_axis("v", [0.1, 10], is_log=True)["dtick"] == "D2"
    assert value_axis("v", [0.1, 1000], is_log=True)["dtick"] == 1
    assert "dtick" not in value_axis("v", [0.1, 1000], is_log=False)


def test_the_first_button_is_how_the_axis_is_drawn() -> None:
    assert list(log_switch(is_log=True)) == ["log", "linear"]
    assert list(log_switch(is_log=False, axis_name="xaxis", prefix="x ")) == ["x linear", "x log"]


def test_a_number_has_six_digits() -> None:
    assert (number(0.123456789), number(None)) == ("0.123457", "-")


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (math.inf, "-"), (0.1234, "0.123 s"), (99.9, "99.9 s"), (100.0, "1 min 40 s"), (7300.0, "2 h 1 min")],
)
def test_a_time_has_a_text(value: float | None, text: str) -> None:
    assert duration(value) == text


@pytest.mark.parametrize(
    ("metric", "panel"),
    [("train/loss", "loss"), ("val/top5/acc", "top5/acc"), ("lr", "lr"), ("val/", "val/"), ("a/b", "a/b")],
)
def test_training_and_validation_share_a_panel(metric: str, panel: str) -> None:
    assert panel_of(metric) == panel
