"""The section answer: value, interval, ties, what the best is beside, test metrics, commands."""

from __future__ import annotations

import math
from typing import Any

import pytest
from study_pages import study_of, trial, words

from tunesmith.insight.pages.answer import answer, ties

TRIALS = (trial(0, 0.5, is_baseline=True), trial(1, 0.2, params={"lr": 1e-3}), trial(2, 0.25), trial(3, 0.9, "pruned"))


def told(*trials: Any, **more: Any) -> str:
    return words(answer(study_of(*(trials or TRIALS), **more)))


def test_the_best_value_has_its_metric_its_trial_and_its_epoch() -> None:
    shown = told(best_result={"epoch": 3})
    assert "4 trials: 3 complete, 1 pruned, 0 failed. 12 epochs." in shown
    assert "0.2 val/loss (less is better), trial 1, epoch 3" in shown
    assert "parameter value lr 0.001" in shown


def test_an_interval_comes_from_the_standard_error_and_ends_at_zero() -> None:
    assert "95 % interval 0.004 to 0.396: 1.96 standard errors of 0.1, as told." in told(
        best_se=0.1, se_source="as told"
    )
    assert "95 % interval 0 to" in told(best_se=0.2)


def test_an_unknown_error_is_said_with_a_way_out() -> None:
    assert "not known" in told()
    assert "hydra.sweeper.confirm.top=5" in told()


def test_a_confirmation_has_its_own_interval_and_ties() -> None:
    candidate = {"trial": 1, "mean": 0.22, "interval": [0.21, 0.23], "seeds": [1, 2, 3]}
    confirm = {"trial": 1, "ties": [2], "candidates": [candidate]}
    shown = told(results={"confirm": confirm, "best_trial": 1}, best_se=9.0)
    assert "the mean of 3 runs on other seeds is 0.22, 95 % interval 0.21 to 0.23" in shown
    assert "1 more trial is as good on the seeds of the confirmation (2)" in shown


@pytest.mark.parametrize(("se", "numbers"), [(None, []), (0.03, [2]), (1.0, [2, 0])])
def test_ties_are_complete_trials_within_two_standard_errors(se: float | None, numbers: list[int]) -> None:
    study = study_of(*TRIALS, best_se=se)
    assert study.best is not None
    assert [each.number for each in ties(study, study.best)] == numbers


def test_baseline_and_linear_model_stand_beside_the_best() -> None:
    shown = told(linear={"val/loss": 0.15}, best_se=0.1)
    assert "as it stands: trial 0 0.5 0.3 better (3.0 standard errors)" in shown
    assert "linear model, same data 0.15 0.05 worse (0.5 standard errors)" in shown


def test_more_can_be_better() -> None:
    assert "as it stands: trial 0 0.5 0.4 better" in told(TRIALS[0], trial(1, 0.9), modes=("max",))


def test_a_baseline_of_other_data_is_not_compared() -> None:
    stands = trial(0, 0.5, is_baseline=True, is_comparable=False)
    assert "0.5 not to be compared" in told(stands, trial(1, 0.2))


def test_test_metrics_have_their_standard_errors_and_are_of_one_trial() -> None:
    facts = {"test/loss": 0.3, "test/acc": 0.9, "samples": 100, "loss_se": 0.04}
    shown = told(best_test=facts)
    assert "test part, 100 samples, once, by this trial" in shown
    assert "test/loss 0.3 ± 0.04" in shown
    assert "test/acc 0.9 ± 0.032" in shown  # sqrt(p (1 - p) / 100) of p = 92 / 104
    refit = told(results={"best_trial": 1, "test": {"test/loss": 0.3}, "refit": {"folder": "1/refit"}})
    assert "by its refit (1/refit)" in refit


def test_what_is_not_there_is_said() -> None:
    shown = told(trial(1, 0.2))
    for words_ in ("only multirun.yaml tells", "No linear model", "not been evaluated on the test part"):
        assert words_ in shown


@pytest.mark.parametrize(
    ("trials", "reason"),
    [
        ((), "No best trial: none has run to its end."),
        ((trial(0, None, "failed"),), "No best trial: none has run to its end."),
        ((trial(0, 1.0, is_infeasible=True),), "No best trial: of those that ended, 1 trial broke a constraint"),
        ((trial(0, None, "running"),), "The study is not over: 1 trial runs now."),
    ],
    ids=["empty", "failed", "infeasible", "running"],
)
def test_a_study_without_a_best_trial_says_why(trials: tuple[Any, ...], reason: str) -> None:
    assert reason in words(answer(study_of(*trials)))


def test_several_objectives_have_a_front_instead_of_a_best() -> None:
    solutions = [{"trial": place, "values": [0.1, 5], "params": {"lr": 1e-3}} for place in range(12)]
    study = study_of(*TRIALS, modes=("min", "max"), others=["acc"], results={"solutions": solutions})
    shown = words(answer(study))
    assert "12 trials are dominated by no other one" in shown
    assert "val/loss (min) acc (max)" in shown
    assert "2 more" in shown


def test_commands_can_be_copied() -> None:
    results = {"best_trial": 1}
    body = answer(study_of(*TRIALS, results=results, repeat_command="python a 'b'", resume_command="python c")).body
    assert "<code>python a &#x27;b&#x27;</code><button" in body
    assert "<code>python c</code><button" in body


@pytest.mark.parametrize(
    "results",
    [{"epochs": 3, "confirm": [], "test": "x", "refit": 1}, {"confirm": {"trial": 1, "candidates": [1, {"trial": 1}]}}],
    ids=["other types", "half"],
)
def test_results_of_other_types_say_nothing(results: dict[str, Any]) -> None:
    assert "0.2 val/loss" in told(results=results)


def test_the_trial_that_the_last_stage_chose_is_the_answer_and_better_ones_are_named() -> None:
    trials = [trial(0, 0.1, stage="grid"), trial(1, 0.2, stage="final"), trial(2, 0.2, stage="grid")]
    results = {"best_trial": 1, "trials": {"complete": 3, "pruned": 0, "failed": 0}, "test": {"test/loss": 0.3}}
    shown = told(*trials, results=results, repeat_command="python train.py --config-name best")
    assert "0.2 val/loss (less is better), trial 1" in shown
    assert "1 more trial is of the same value (2)" in shown
    assert (
        "1 trial of an earlier stage has a better value, trial 0 0.1. The answer is the best trial of stage final"
        in shown
    )
    assert "test/loss 0.3" in shown
    assert "--config-name best" in shown


def test_what_the_results_say_of_another_trial_is_not_told_of_this_one() -> None:
    results = {"best_trial": 0, "trials": {"complete": 1, "pruned": 0, "failed": 0}, "test": {"test/loss": 0.3}}
    shown = told(results=results, repeat_command="python train.py --config-name best")
    assert "trial 1" in shown
    assert "has not been evaluated on the test part" in shown
    assert "--config-name best" not in shown


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "only multirun.yaml tells"),
        ({"config": {"a": 1}}, "No trial ran the configuration as it stands: hydra.sweeper.baseline=true."),
    ],
)
def test_a_baseline_that_is_not_there_is_said_with_its_reason(facts: dict[str, Any], words: str) -> None:
    assert words in told(trial(0, 0.5), **facts)


def test_a_baseline_without_a_value_is_said_with_its_state() -> None:
    assert "as it stands has no value: trial 0 is failed" in told(
        trial(0, state="failed", is_baseline=True), trial(1, 0.5)
    )


def test_failures_and_broken_constraints_are_told_with_their_numbers() -> None:
    failed = [trial(place, state="failed", reason=f"error {place % 4}") for place in range(5)]
    shown = told(*failed, trial(5, 0.5, is_infeasible=True))
    assert "Why trials failed: 2 trials: error 0; 1 trial: error 1; 1 trial: error 2; ..." in shown
    assert " 1 of them broke a constraint." in shown


def test_a_baseline_that_breaks_a_constraint_is_marked() -> None:
    shown = told(trial(0, 0.5, is_baseline=True, is_infeasible=True), trial(1, 0.7))
    assert "as it stands: trial 0 (breaks a constraint) 0.5 0.2 worse" in shown


def test_one_trial_is_neither_lucky_nor_compared() -> None:
    shown = told(trial(0, 0.5), best_se=0.1)
    assert "No other trial can be compared with it." in shown
    assert "luck" not in shown


def test_equal_infinite_values_are_ties() -> None:
    assert "1 more trial is of the same value (1)" in told(trial(0, math.inf), trial(1, math.inf))


def test_a_confirmation_of_other_types_is_shown_as_it_is() -> None:
    confirm = {"trial": 1, "candidates": [{"trial": 1, "mean": "<b>", "interval": [1, 2], "seeds": "ab"}]}
    assert "the mean of several runs on other seeds is <b>, 95 %" in told(results={"confirm": confirm, "best_trial": 1})
