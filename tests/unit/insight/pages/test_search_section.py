"""The section search: the best so far against epochs and against trials; the front of several objectives."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from study_pages import study_of, traces, trial, words

from tunesmith.insight.pages.search import MAX_POINTS, search

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_the_best_so_far_steps_at_each_better_trial() -> None:
    section = search(study_of(trial(0, 0.5), trial(1, 0.7), trial(2, 0.2), trial(3, 0.1, "pruned")))
    by_epochs, by_trials = (traces(section, place)["best so far"] for place in (0, 1))
    assert (by_epochs["x"], by_epochs["y"]) == ([3, 9, 12], [0.5, 0.2, 0.2])
    assert by_trials["x"] == [1, 3, 4]


def test_more_can_be_better() -> None:
    section = search(study_of(trial(0, 0.5), trial(1, 0.2), trial(2, 0.7), modes=("max",)))
    assert traces(section)["best so far"]["y"] == [0.5, 0.7, 0.7]


def test_trials_stand_in_the_order_of_their_ends() -> None:
    late = trial(0, 0.5, ended=NOON + timedelta(hours=1))
    section = search(study_of(late, trial(1, 0.7, ended=NOON)))
    assert traces(section)["best so far"]["y"] == [0.7, 0.5, 0.5]


def test_what_cannot_be_the_best_is_shown_apart_and_moves_no_line() -> None:
    section = search(
        study_of(
            trial(0, 0.5),
            trial(1, 0.1, is_infeasible=True),
            trial(2, 0.1, is_comparable=False, stage="a"),
            trial(3, 0.1, is_repeat=True),
            trial(4, 0.1, "pruned"),
        )
    )
    found = traces(section)
    assert found["best so far"]["y"] == [0.5, 0.5]
    assert [len(found[name]["x"]) for name in ("complete", "pruned")] == [1, 1]
    assert {"breaks a constraint", "another stage's data or epochs"} <= set(found)


def test_no_trial_that_can_be_the_best_leaves_an_empty_line() -> None:
    assert traces(search(study_of(trial(0, 0.5, is_infeasible=True))))["best so far"]["y"] == []


def test_baseline_and_linear_model_are_levels() -> None:
    found = traces(search(study_of(trial(0, 0.5, is_baseline=True), trial(1, 0.2), linear={"val/loss": 0.3})))
    assert found["as it stands"]["y"] == [0.5, 0.5]
    assert found["linear model"]["y"] == [0.3, 0.3]


def test_values_that_are_not_finite_are_counted() -> None:
    section = search(study_of(trial(0, 0.5), trial(1, math.inf), trial(2, math.nan)))
    assert "2 trials have a value that is not finite" in words(section)


def test_wide_values_have_a_log_axis_and_a_switch() -> None:
    figure = search(study_of(trial(0, 0.01), trial(1, 10.0))).figures[0]
    assert figure.spec["layout"]["yaxis"]["type"] == "log"
    assert list(figure.switches[0]) == ["log", "linear"]


def test_of_many_trials_some_are_dots_and_the_line_is_of_all() -> None:
    section = search(study_of(*(trial(number, 1 / (1 + number % 997)) for number in range(10_000))))
    dots = traces(section)["complete"]["x"]
    assert len(dots) <= MAX_POINTS + 1000
    assert f"{len(dots)} of 10000 trials are drawn" in words(section)
    assert traces(section, 1)["best so far"]["x"][-1] == 10_000


def test_several_objectives_show_the_front() -> None:
    trials = [trial(0, 1.0, values=[1.0, 9.0]), trial(1, 2.0, values=[2.0, 9.5]), trial(2, None, "failed")]
    study = study_of(*trials, modes=("min", "min"), others=["size"], results={"solutions": [{"trial": 0}]})
    found = traces(search(study))
    assert (found["front"]["x"], found["other trials"]["x"]) == ([1.0], [2.0])


def test_a_study_without_a_value_says_so() -> None:
    assert "No trial has a finite value" in words(search(study_of(trial(0, None, "failed"))))


def test_values_that_are_not_finite_are_counted_also_if_few_trials_are_drawn() -> None:
    shown = words(search(study_of(*(trial(number, math.inf if number % 3 else 0.5) for number in range(3000)))))
    assert "2000 trials have a value that is not finite" in shown
