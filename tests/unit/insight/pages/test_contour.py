"""The value over two parameters, interpolated between complete trials."""

from __future__ import annotations

from shown import shown_study, shown_trial

from tunesmith.insight.pages.contour import NUM_POINTS, contour_figure
from tunesmith.insight.pages.drawn_trials import choose_trials
from tunesmith.insight.pages.page import Figure
from tunesmith.insight.pages.param_scale import ParamScale
from tunesmith.insight.pages.study_facts import StudyFacts, TrialFacts

X, Y = ParamScale("x"), ParamScale("y", low=0.01, high=1.0, is_log=True)


def contour(facts: StudyFacts) -> Figure | None:
    return contour_figure(facts, choose_trials(facts), X, Y)


def diagonal(num: int) -> list[TrialFacts]:
    """Trials on the line from (0, .01) to (1, 1), the value of which is x + 1."""
    return [
        shown_trial(n, 1 + n / (num - 1), params={"x": n / (num - 1), "y": 10 ** (2 * n / (num - 1) - 2)})
        for n in range(num)
    ]


def test_the_surface_goes_through_the_trials_and_is_blank_far_from_them() -> None:
    figure = contour(shown_study(diagonal(NUM_POINTS)))
    assert figure is not None
    surface = figure.spec["data"][0]
    assert (surface["x"][0], surface["x"][-1], surface["y"][0], surface["y"][-1]) == (0.0, 1.0, 0.01, 1.0)
    on_line = [surface["z"][place][place] for place in range(NUM_POINTS)]
    assert max(abs(z - 1 - place / (NUM_POINTS - 1)) for place, z in enumerate(on_line)) < 0.02
    assert surface["z"][0][-1] is None
    assert surface["z"][-1][0] is None


def test_the_marks_are_the_trials_with_the_best_on_top() -> None:
    figure = contour(shown_study(diagonal(10)))
    assert figure is not None
    marks = figure.spec["data"][1]
    assert (marks["x"][-1], marks["y"][-1], marks["marker"]["symbol"][-1]) == (0.0, 0.01, "star")
    assert marks["text"][-1] == "trial 0: val/loss 1<br>x: 0<br>y: 0.01"


def test_pruned_trials_and_those_without_a_key_do_not_count() -> None:
    assert contour(shown_study([*diagonal(9), shown_trial(9, 1.0, params={"x": 0.5})])) is None
    assert contour(shown_study([*diagonal(9), shown_trial(9, 1.0, "pruned", params={"x": 0.5, "y": 0.5})])) is None
    assert contour(shown_study([*diagonal(9), shown_trial(9, 1.0, params={"x": 0.5, "y": 0.5})])) is not None


def test_choices_that_are_numbers_are_an_axis_too() -> None:
    trials = [shown_trial(n, float(n), params={"x": n / 10, "y": 16 * 2 ** (n % 3)}) for n in range(12)]
    facts = shown_study(trials)
    figure = contour_figure(facts, choose_trials(facts), X, ParamScale("y", ("16", "32", "64")))
    assert figure is not None
    surface, marks = figure.spec["data"]
    assert (surface["y"][0], surface["y"][-1], set(marks["y"])) == (0.0, 2.0, {0.0, 1.0, 2.0})
