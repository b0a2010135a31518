"""A figure per parameter: marks on the parameter's own scale, coloured, with what a hover says."""

from __future__ import annotations

import math
from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from shown import shown_study, shown_trial

from tunesmith.insight.pages.drawn_trials import choose_trials
from tunesmith.insight.pages.param_scale import ParamScale, make_scale
from tunesmith.insight.pages.param_values import MAX_TICKS, param_axis, value_figure
from tunesmith.insight.pages.study_facts import StudyFacts

LR = ParamScale("lr", low=1e-4, high=1.0, is_log=True)
MOMENTUM = ParamScale("momentum", low=0.5, high=0.99)


def traces(facts: StudyFacts, scale: ParamScale, colour: ParamScale | None = None) -> dict[str, dict[str, Any]]:
    """The traces of a figure by their symbol; of two with one symbol the coloured one."""
    spec = value_figure(facts, choose_trials(facts), scale, colour, 0).spec
    return {trace["marker"]["symbol"]: trace for trace in spec["data"]}


def test_states_have_marks_of_their_own() -> None:
    trials = [
        shown_trial(0, 1.0, params={"lr": 0.1}),
        shown_trial(1, 2.0, "pruned", params={"lr": 0.2}),
        shown_trial(2, 0.5, params={"lr": 0.3}, is_infeasible=True, violations=["parameters<=1000"]),
        shown_trial(3, None, "failed", params={"lr": 0.4}, reason="loss is <NaN>"),
        shown_trial(4, math.inf, params={"lr": 0.5}),
        shown_trial(5, 0.9, params={}),
    ]
    found = traces(shown_study(trials), LR)
    assert {symbol: trace["x"] for symbol, trace in found.items()} == {
        "circle": [0.1],
        "circle-open": [0.2],
        "diamond-open": [0.3],
        "x": [0.4, 0.5],
    }
    assert found["x"]["text"] == [
        "trial 3: loss is &lt;NaN&gt;<br>lr: 0.4",
        "trial 4: value inf<br>lr: 0.5",
    ]
    assert found["diamond-open"]["text"][0].endswith("breaks parameters&lt;=1000")


def test_the_best_trial_is_a_star() -> None:
    trials = [shown_trial(0, 1.0, params={"lr": 0.1}), shown_trial(1, 0.5, params={"lr": 0.2})]
    assert traces(shown_study(trials), LR)["star"]["x"] == [0.2]


def test_marks_are_coloured_by_another_parameter_and_grey_without_it() -> None:
    trials = [
        shown_trial(0, 1.0, params={"lr": 0.1, "momentum": 0.7}),
        shown_trial(1, 2.0, params={"lr": 0.2}),
        shown_trial(2, 3.0, params={"lr": 0.3, "momentum": 0.9}),
    ]
    facts = shown_study(trials)
    spec = value_figure(facts, choose_trials(facts), LR, MOMENTUM, 0).spec
    grey, coloured = (trace for trace in spec["data"] if trace["marker"]["symbol"] == "circle")
    assert (grey["x"], coloured["x"], coloured["marker"]["color"]) == ([0.2], [0.1, 0.3], [0.7, 0.9])
    assert coloured["text"][1] == "trial 2: val/loss 3<br>lr: 0.3<br>momentum: 0.9"
    assert "coloraxis" not in grey["marker"]
    assert (spec["layout"]["coloraxis"]["cmin"], spec["layout"]["coloraxis"]["cmax"]) == (0.5, 0.99)


def test_a_log_parameter_has_a_log_axis_and_values_that_span_much_have_one_too() -> None:
    trials = [shown_trial(0, 0.1, params={"lr": 0.1}), shown_trial(1, 100.0, params={"lr": 0.2})]
    facts = shown_study(trials)
    layout = value_figure(facts, choose_trials(facts), LR, None, 0).spec["layout"]
    assert (layout["xaxis"]["type"], layout["yaxis"]["type"]) == ("log", "log")
    assert (layout["xaxis"]["tickformat"], layout["yaxis"]["tickformat"]) == ("~g", "~g")  # no digits between powers


def test_trials_of_one_choice_stand_beside_each_other() -> None:
    trials = [shown_trial(number, 1.0, params={"name": "b"}) for number in range(20)]
    scale = make_scale("name", ["b"], distribution=CategoricalDistribution(["a", "b"]))
    found = traces(shown_study(trials), scale)["circle"]["x"]
    assert len(set(found)) == 20
    assert all(abs(x - 1) <= 0.2 for x in found)


def test_few_integers_have_a_tick_each() -> None:
    few = make_scale("layers", [1, 3], distribution=IntDistribution(1, 3))
    many = make_scale("units", [1, 300], distribution=IntDistribution(1, 300))
    assert (param_axis(few).get("dtick"), param_axis(many).get("dtick")) == (1, None)


def test_an_axis_shows_some_of_many_choices() -> None:
    axis = param_axis(ParamScale("name", tuple(f"choice <{place}>" for place in range(40))))
    assert len(axis["tickvals"]) <= MAX_TICKS
    assert axis["ticktext"][1] == "choice &lt;4&gt;"


@pytest.mark.parametrize("markup", ["<b>x</b>", 'a "quoted" name', "$x$"])
def test_a_name_is_no_markup(markup: str) -> None:
    trials = [shown_trial(0, 1.0, params={markup: 0.5}), shown_trial(1, 2.0, params={markup: 0.7})]
    facts = shown_study(trials, {markup: FloatDistribution(0.0, 1.0)})
    figure = value_figure(facts, choose_trials(facts), ParamScale(markup), None, 0)
    title = figure.spec["layout"]["xaxis"]["title"]["text"]
    assert title == markup.replace("<", "&lt;").replace(">", "&gt;").replace("$", "&#36;")
    assert all("<b>" not in text and "$" not in text for trace in figure.spec["data"] for text in trace["text"])
