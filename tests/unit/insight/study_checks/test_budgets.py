"""Too few trials, too few epochs, configurations drawn again."""

from __future__ import annotations

import math

import pytest
from checked import LR, complete, drawn, lr_at
from optuna.distributions import IntDistribution

from tunesmith.insight.study_checks.budgets import duplicates, still_improving, too_few_trials
from tunesmith.insight.study_checks.trials import CheckedStudy, CheckedTrial


def two_keys(num: int) -> CheckedStudy:
    """A study of two keys that go together, so that each has an effect alone."""
    trials = [complete(number, number, first=lr_at(number / 20), second=lr_at(number / 20)) for number in range(num)]
    return CheckedStudy(trials, {"first": LR["lr"], "second": LR["lr"]})


def test_five_trials_are_wanted_per_key_with_an_effect() -> None:
    (finding,) = too_few_trials(two_keys(9))
    assert finding.override == "hydra.sweeper.n_trials=10"
    assert list(too_few_trials(two_keys(10))) == []


def test_one_key_needs_few_trials() -> None:
    assert list(too_few_trials(drawn(20, lambda place, kind: place))) == []


def falling(number: int, rate: float) -> CheckedTrial:
    """A trial of 20 epochs; rate: of the fall per epoch."""
    reports = [math.exp(-rate * epoch) + number / 100 for epoch in range(20)]
    return complete(number, reports[-1], *reports, lr=lr_at(number / 10))


def test_curves_that_still_fall_ask_for_more_epochs() -> None:
    study = CheckedStudy([falling(number, 0.1) for number in range(6)], LR, max_epochs=20, epochs_key="epochs")
    (finding,) = still_improving(study)
    assert finding.text.startswith("5 of the best 5 trials were still improving after all 20 epochs")
    assert finding.override == "epochs=40"


@pytest.mark.parametrize(
    ("rates", "max_epochs"),
    [([1.0] * 6, 20), ([0.1] * 6, 30), ([0.1, 0.1, 1.0, 1.0, 1.0, 1.0], 20), ([0.1] * 6, None)],
    ids=["flat", "stopped before", "two of five", "unknown"],
)
def test_curves_that_have_ended_do_not(rates: list[float], max_epochs: int | None) -> None:
    trials = [falling(number, rate) for number, rate in enumerate(rates)]
    assert list(still_improving(CheckedStudy(trials, LR, max_epochs=max_epochs))) == []


def test_noise_is_no_improvement() -> None:
    trials = [
        complete(
            number, 0.4, 1.0, *[0.5 + 0.1 * math.sin(7 * epoch + number) for epoch in range(19)], lr=lr_at(number / 9)
        )
        for number in range(6)
    ]
    assert list(still_improving(CheckedStudy(trials, LR, max_epochs=20))) == []


def test_configurations_that_are_drawn_again_are_counted() -> None:
    layers = {"layers": IntDistribution(1, 4)}
    (finding,) = duplicates(
        CheckedStudy([complete(number, 0.5, layers=1 + number % 4) for number in range(12)], layers)
    )
    assert finding.text.startswith("8 of 12 trials ran a configuration that another one had run")
    assert finding.override == "hydra/sweeper/sampler=bruteforce"


def test_seeds_make_no_duplicates() -> None:
    trials = [complete(number, 0.5, lr=0.01, seed=number) for number in range(12)]
    assert list(duplicates(CheckedStudy(trials, LR))) == []


def test_two_duplicates_are_none() -> None:
    trials = [complete(number, 0.5, lr=lr_at(max(0, number - 2) / 20)) for number in range(15)]
    assert list(duplicates(CheckedStudy(trials, LR))) == []
