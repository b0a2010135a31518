"""Which trials the figures over parameters show."""

from __future__ import annotations

import math

import pytest
from shown import shown_study, shown_trial

from tunesmith.insight.pages.drawn_trials import FEW_TRIALS, choose_trials, thin
from tunesmith.insight.pages.study_facts import TrialFacts


def numbers(trials: object) -> list[int]:
    assert isinstance(trials, list)
    return [trial.number for trial in trials]


@pytest.mark.parametrize(("modes", "order"), [(("min",), [2, 0, 1]), (("max",), [1, 0, 2])])
def test_trials_with_a_value_are_ranked(modes: tuple[str], order: list[int]) -> None:
    trials = [shown_trial(0, 2.0), shown_trial(1, 3.0, "pruned"), shown_trial(2, 1.0)]
    drawn = choose_trials(shown_study(trials, modes=modes))
    assert numbers(drawn.scored) == order
    assert numbers(drawn.complete) == [number for number in order if number != 1]


def test_failed_trials_and_values_that_are_no_number_stand_apart() -> None:
    trials = [shown_trial(0, 1.0), shown_trial(1, math.inf), shown_trial(2, math.nan), shown_trial(3, None, "failed")]
    drawn = choose_trials(shown_study(trials))
    assert (numbers(drawn.scored), numbers(drawn.unscored), drawn.left_out) == ([0], [1, 2, 3], [])


def test_what_has_not_ended_or_repeats_a_configuration_is_not_drawn() -> None:
    trials = [shown_trial(0, 1.0), shown_trial(1, 0.5, "running"), shown_trial(2, 0.5, is_repeat=True)]
    assert numbers(choose_trials(shown_study(trials)).scored) == [0]


def stage(name: str, values: list[float], first: int, is_comparable: bool) -> list[TrialFacts]:
    return [
        shown_trial(first + place, value, stage=name, is_comparable=is_comparable) for place, value in enumerate(values)
    ]


@pytest.mark.parametrize("num", [2, 20], ids=["fewer", "more"])
def test_trials_on_other_data_are_left_out_and_counted(num: int) -> None:
    trials = stage("part", [0.1] * num, 0, False) + stage("full", [0.3] * FEW_TRIALS, num, True)
    drawn = choose_trials(shown_study(trials))
    assert numbers(drawn.scored) == list(range(num, num + FEW_TRIALS))
    assert list(drawn.left_out) == [
        f"{num} trials are left out: they ran with other data, epochs or configuration than the best one."
    ]


def test_if_the_last_stage_has_few_trials_a_larger_one_is_shown_and_named() -> None:
    trials = stage("part", [0.5, 0.4, 0.2], 0, False) + stage("full", [0.9, 0.8], 3, True)
    drawn = choose_trials(shown_study(trials))
    assert numbers(drawn.scored) == [2, 1, 0]
    assert drawn.best is trials[2]
    assert [words.partition(":")[0] for words in drawn.left_out] == ["This section shows the 3 trials of stage part"]


def test_the_best_trial_breaks_no_constraint() -> None:
    trials = [shown_trial(0, 0.1, is_infeasible=True), shown_trial(1, 0.2, "pruned"), shown_trial(2, 0.3)]
    assert choose_trials(shown_study(trials)).best is trials[2]


def test_of_many_trials_the_best_and_an_even_choice_are_drawn_and_a_sentence_says_so() -> None:
    trials = [shown_trial(number, float(number)) for number in range(1000)]
    drawn = choose_trials(shown_study(trials), most=100)
    assert numbers(drawn.marks)[:12] == [*range(10), 10, 21]
    assert (len(set(numbers(drawn.marks))), len(drawn.scored)) == (100, 1000)
    assert list(drawn.left_out) == [
        "100 of 1000 ranked trials are drawn: the first tenth, and an even choice of the rest."
    ]


def test_few_trials_are_not_thinned() -> None:
    trials = [shown_trial(0, 1.0)]
    assert thin(trials, 1) == trials
