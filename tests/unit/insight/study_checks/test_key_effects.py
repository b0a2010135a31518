"""The effect of a key: of numbers, of choices, beside other keys and alone."""

from __future__ import annotations

import numpy as np
import pytest
from checked import LR, LR_AND_KIND, complete, drawn, lr_at

from tunesmith.insight.study_checks.key_effects import NONE, adjusted_losses, effect
from tunesmith.insight.study_checks.trials import CheckedStudy

KIND = {"a": 0.0, "b": 0.5, "c": 1.0}


def test_a_key_that_explains_all_explains_all() -> None:
    study = drawn(50, lambda place, kind: place)
    assert effect(study, "lr", is_alone=True).explained == pytest.approx(1, abs=0.01)
    assert effect(study, "kind").f < 4


def test_an_optimum_inside_is_an_effect() -> None:
    assert effect(drawn(50, lambda place, kind: (place - 0.5) ** 2), "lr").f > 20


def test_the_groups_of_a_choice_are_compared() -> None:
    study = drawn(50, lambda place, kind: KIND[kind], noise=0.1, seed=1)
    assert effect(study, "kind").f > 50
    assert effect(study, "lr").f < 4


def test_other_keys_are_taken_out() -> None:
    study = drawn(60, lambda place, kind: KIND[kind] + 0.3 * place, noise=0.1)
    beside, alone = effect(study, "lr"), effect(study, "lr", is_alone=True)
    assert beside.f > 3 * alone.f > 0


def test_a_key_is_judged_over_the_trials_that_have_it() -> None:
    with_lr = [complete(number, lr_at(number / 20), lr=lr_at(number / 20), kind="a") for number in range(20)]
    without = [complete(number, 100.0 - number, kind="b") for number in range(20, 40)]
    assert effect(CheckedStudy([*with_lr, *without], LR_AND_KIND), "lr").explained > 0.95


@pytest.mark.parametrize("value", [1.0, float("inf")], ids=["one value", "diverged"])
def test_without_differences_there_is_no_effect(value: float) -> None:
    same_lr = CheckedStudy([complete(number, float(number), lr=0.01) for number in range(20)], LR)
    same_value = CheckedStudy([complete(number, value, lr=lr_at(number / 20)) for number in range(20)], LR)
    assert effect(same_lr, "lr") == effect(same_value, "lr") == NONE


def test_a_diverged_trial_is_no_more_than_the_worst() -> None:
    study = drawn(40, lambda place, kind: 1e9 if place > 0.97 else (place - 0.5) ** 2)
    assert effect(study, "lr").f > 20


def test_adjusted_losses_are_without_the_other_keys() -> None:
    study = drawn(60, lambda place, kind: KIND[kind] + 0.1 * place, noise=0)
    trials = study.scored
    adjusted = adjusted_losses(study, "lr", trials)
    places = np.array([trial.params["lr"] for trial in trials])
    assert np.corrcoef(np.log(places), adjusted)[0, 1] > 0.95
