"""Which worker ran which trial when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from shown import shown_study, shown_trial

from tunesmith.insight.pages.study_facts import State, TrialFacts
from tunesmith.insight.pages.timeline import MAX_BARS, describe_workers, timeline_figure

BEGIN = datetime(2026, 11, 28, 12)


def ran(
    number: int, worker: str | None, start: float, end: float | None, state: State = "complete", **more: Any
) -> TrialFacts:
    ended = None if end is None else BEGIN + timedelta(seconds=end)
    return shown_trial(number, 1.0, state, worker=worker, started=BEGIN + timedelta(seconds=start), ended=ended, **more)


def test_each_worker_has_a_row_and_each_trial_a_bar() -> None:
    trials = [ran(0, "host 10", 0, 4), ran(1, "host 9", 1, 2, "pruned"), ran(2, "host 9", 3, 4, stage="last")]
    figure = timeline_figure(shown_study(trials))
    assert figure is not None
    complete, pruned = figure.spec["data"]
    assert figure.spec["layout"]["yaxis"]["ticktext"] == ["host 9", "host 10"]
    assert (complete["name"], complete["y"], complete["x"]) == ("complete", [1, 0], [4000.0, 1000.0])
    assert complete["base"] == ["2026-11-28T12:00:00", "2026-11-28T12:00:03"]
    assert complete["text"][1].startswith("trial 2, stage last: complete<br>val/loss 1")
    assert pruned["y"] == [0]


def test_idle_is_the_time_between_two_trials_of_a_worker() -> None:
    trials = [ran(0, "a 0", 0, 4), ran(1, "a 0", 5, 10), ran(2, "a 1", 2, 6), ran(3, "a 1", 4, 12)]
    assert describe_workers(shown_study(trials)) == [
        "4 trials on 2 workers in 12 s; between two trials, a worker was idle for 5% of the time."
    ]


def test_one_trial_has_nothing_to_be_idle_between() -> None:
    assert describe_workers(shown_study([ran(0, None, 0, 1.5)])) == ["1 trial on 1 worker in 1.5 s."]


def test_a_running_trial_reaches_to_the_last_known_moment() -> None:
    figure = timeline_figure(shown_study([ran(0, "a 0", 0, 9), ran(1, "a 1", 5, None, "running")]))
    assert figure is not None
    assert figure.spec["data"][1]["x"] == [4000.0]


def test_a_clock_that_was_set_back_gives_a_bar_of_no_length() -> None:
    figure = timeline_figure(shown_study([ran(0, "a 0", 5, 1)]))
    assert figure is not None
    assert figure.spec["data"][0]["x"] == [1.0]


@pytest.mark.parametrize("trials", [[], [shown_trial(0, 1.0)], [shown_trial(0, None, "waiting")]])
def test_without_times_there_is_no_figure(trials: list[TrialFacts]) -> None:
    facts = shown_study(trials)
    assert timeline_figure(facts) is None
    assert describe_workers(facts) == ["No time of a trial is recorded."]


def test_of_many_trials_and_workers_some_are_drawn_and_a_sentence_says_so() -> None:
    trials = [ran(number, f"host {number % 70}", number, number + 1) for number in range(MAX_BARS + 500)]
    facts = shown_study(trials)
    figure = timeline_figure(facts)
    assert figure is not None
    assert len(figure.spec["data"][0]["y"]) == MAX_BARS
    assert describe_workers(facts)[1:] == ["64 of 70 workers are drawn.", "2000 of 2500 trials are drawn."]
