"""Parallel coordinates: own scales, pruned trials, keys that are not set."""

from __future__ import annotations

from typing import Any

import pytest
from shown import random_trials, shown_study, shown_trial

from tunesmith.insight.pages.drawn_trials import choose_trials
from tunesmith.insight.pages.parallel_coordinates import MAX_AXES, NOT_SET, parallel_figure
from tunesmith.insight.pages.param_scale import ParamScale, make_scale
from tunesmith.insight.pages.study_facts import TrialFacts

LR = ParamScale("lr", low=1e-4, high=1.0, is_log=True)


def trace(trials: list[TrialFacts], scales: list[ParamScale]) -> dict[str, Any]:
    facts = shown_study(trials)
    figure = parallel_figure(facts, choose_trials(facts), scales)
    assert figure is not None
    found: dict[str, Any] = figure.spec["data"][0]
    return found


def test_a_line_runs_through_the_parameters_the_state_and_the_value() -> None:
    trials = [
        shown_trial(0, 3.0, "pruned", params={"lr": 0.1}),
        shown_trial(1, 2.0, params={"lr": 0.01}),
        shown_trial(2, 1.0, params={"lr": 1.0}),
    ]
    found = trace(trials, [LR])
    lr, state, value = found["dimensions"]
    assert (lr["values"], lr["range"], lr["ticktext"][0]) == ([-1.0, -2.0, 0.0], [-4.0, 0.0], "0.0001")
    assert (state["values"], value["values"]) == ([0, 1, 1], [3.0, 2.0, 1.0])
    assert found["line"]["color"] == [-1.0, 0.0, 1.0]  # pruned, worst, best


def test_a_key_that_is_not_set_has_a_tick_below_the_scale() -> None:
    trials = [shown_trial(0, 1.0, params={"name": "a"}), shown_trial(1, 2.0, params={})]
    name, *_ = trace(trials, [ParamScale("name", ("a", "b"))])["dimensions"]
    assert (name["ticktext"], name["values"]) == ([NOT_SET, "a", "b"], [pytest.approx(-0.12), 0.0])


def test_equal_values_have_a_range() -> None:
    trials = [shown_trial(number, 1.0, params={"layers": number + 1}) for number in range(2)]
    layers, value = trace(trials, [make_scale("layers", [1, 2])])["dimensions"]
    assert (layers["tickvals"], value["range"]) == ([1, 2], [0.5, 1.5])


def test_of_many_parameters_the_first_have_an_axis() -> None:
    scales = [ParamScale(f"key {place}") for place in range(40)]
    trials = [shown_trial(number, 1.0, params={}) for number in range(2)]
    assert len(trace(trials, scales)["dimensions"]) == MAX_AXES + 1  # of the value; all have one state


@pytest.mark.parametrize(("num", "scales"), [(1, [LR]), (5, [])], ids=["one trial", "no parameter"])
def test_without_two_trials_and_a_parameter_there_is_no_figure(num: int, scales: list[ParamScale]) -> None:
    facts = shown_study(random_trials(num))
    assert parallel_figure(facts, choose_trials(facts), scales) is None
