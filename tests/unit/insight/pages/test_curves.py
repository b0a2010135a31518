"""The section curves: one trace per state, gaps between trials, thinned if there are many."""

from __future__ import annotations

import math

from study_pages import study_of, traces, trial, words

from tunesmith.insight.pages.curves import MAX_CURVES, MAX_POINTS, curves


def test_states_are_told_apart_and_the_best_is_bold() -> None:
    found = traces(curves(study_of(trial(0, 0.5), trial(1, 0.2), trial(2, 0.3, "pruned"), trial(3, None, "failed"))))
    assert list(found) == ["complete (1)", "pruned (1)", "best: trial 1"]
    assert found["best: trial 1"]["line"]["width"] > found["complete (1)"]["line"]["width"]
    assert found["pruned (1)"]["line"]["dash"] == "dot"


def test_between_two_trials_is_a_gap_and_each_point_knows_its_trial() -> None:
    found = traces(curves(study_of(trial(0, 0.5), trial(1, 0.6), trial(2, 0.1))))["complete (2)"]
    assert found["x"] == [1, 2, 3, None, 1, 2, 3, None]
    assert found["text_index"] == [0, 0, 0, None, 1, 1, 1, None]
    assert found["texts"][1].startswith("<b>trial 1</b>")


def test_values_that_are_not_finite_are_gaps_and_said() -> None:
    section = curves(study_of(trial(0, 0.5, curve={1: 1.0, 2: math.nan, 3: math.inf, 4: 0.5})))
    assert traces(section)["best: trial 0"]["y"] == [1.0, None, None, 0.5, None]
    assert "1 trials reported values that are not finite" in words(section)


def test_one_step_is_a_point() -> None:
    assert traces(curves(study_of(trial(0, 0.5, curve={1: 0.5}))))["best: trial 0"]["mode"] == "lines+markers"


def test_of_many_curves_the_best_are_among_those_that_are_drawn() -> None:
    trials = [trial(number, abs(number - 5001) + 1.0, curve={1: 1.0, 2: 0.5}) for number in range(10_000)]
    section = curves(study_of(*trials))
    drawn = sum(len(trace["texts"]) for trace in traces(section).values())
    assert drawn <= MAX_CURVES + 1
    assert f"{drawn} of 10000 curves are drawn" in words(section)
    assert "best: trial 5001" in traces(section)


def test_long_curves_are_thinned_and_keep_their_ends() -> None:
    steps = {step: 1 / step for step in range(1, 2 * MAX_POINTS)}
    section = curves(study_of(trial(0, min(steps.values()), curve=steps)))
    x = traces(section)["best: trial 0"]["x"]
    assert len(x) <= MAX_POINTS + 2
    assert (x[0], x[-2]) == (1, 2 * MAX_POINTS - 1)
    assert "Of each curve every 2. step is drawn" in words(section)


def test_curves_of_other_stages_are_not_to_be_compared() -> None:
    section = curves(study_of(trial(0, 0.5, stage="b"), trial(1, 0.1, stage="a", is_comparable=False)))
    assert "not to be compared" in words(section)


def test_no_curve_is_said() -> None:
    assert "no trial has reported a value" in words(curves(study_of(trial(0, 0.5, curve={}))))
    assert "several objectives" in words(curves(study_of(trial(0, 0.5, curve={}), modes=("min", "min"))))
