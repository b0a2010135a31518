"""The worker: what a trial's reporter passes on to the study."""

from __future__ import annotations

import optuna
import pytest
from optuna import Study, Trial
from optuna.pruners import NopPruner, ThresholdPruner
from optuna.storages import InMemoryStorage

from tunesmith.search.space import parse_space
from tunesmith.search.study import ask, num_epochs, open_study, tell_lost
from tunesmith.search.worker import TrialReporter


def opened(pruner: optuna.pruners.BasePruner | None = None) -> Study:
    space = parse_space({}, ["x=interval(0,1)"])
    return open_study(InMemoryStorage(), "study", "min", pruner or NopPruner(), space)


def asked(study: Study) -> Trial:
    trial = ask(study, 100)
    assert trial is not None
    return trial


def test_a_step_is_reported_with_its_value() -> None:
    study = opened()
    reporter = TrialReporter(asked(study), {})
    for step, value in ((1, 0.5), (2, 0.4)):
        reporter.report(step, value)
    assert study.trials[0].intermediate_values == {1: 0.5, 2: 0.4}


def test_the_pruners_word_is_handed_back() -> None:
    reporter = TrialReporter(asked(opened(ThresholdPruner(upper=0.6))), {})
    assert [reporter.report(1, 0.5), reporter.report(2, 0.7)] == [False, True]


@pytest.mark.parametrize(
    ("steps", "epochs"),
    [
        pytest.param([1, 1, 1], 3, id="steps that are epochs"),
        pytest.param([20, 13], 33, id="steps that are folds"),
        pytest.param([1, 13], 14, id="a first fold of one epoch"),
        pytest.param([13, 1], 14, id="a last fold of one epoch"),
        pytest.param([1, 1], 2, id="folds of one epoch each"),
    ],
)
def test_epochs_are_counted(steps: list[int], epochs: int) -> None:
    study = opened()
    reporter = TrialReporter(asked(study), {})
    for step, each in enumerate(steps, start=1):
        reporter.report(step, 0.5, each)
    assert num_epochs(study.trials[0]) == epochs


def test_an_attempt_after_a_lost_one_reports_no_step_twice_and_counts_all_epochs() -> None:
    study = opened()
    lost = asked(study)
    first = TrialReporter(lost, {})
    first.report(1, 0.5, 20)
    tell_lost(study, lost)
    second = TrialReporter(asked(study), {})
    second.report(1, 0.5, 20)  # a fold that was over
    second.report(2, 0.4, 13)
    assert (first.is_retry, second.is_retry) == (False, True)
    assert study.trials[1].intermediate_values == {1: 0.5, 2: 0.4}
    assert num_epochs(study.trials[1]) == 33
