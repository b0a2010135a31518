"""The reporter of a trial: what it passes on to the study, and when it ends the attempt."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from optuna import Trial
from optuna.pruners import MedianPruner, ThresholdPruner
from optuna.trial import TrialState
from studies import asked, opened

from tunesmith.errors import AttemptLost, AttemptTaken, RunFailed
from tunesmith.search.storage.storage import open_journal
from tunesmith.search.study.retries import requeue
from tunesmith.search.study.trial import Attempt
from tunesmith.search.worker.interruption import Interruption
from tunesmith.search.worker.trial_reporter import TrialReporter


def reporter_of(
    trial: Trial,
    interruption: Interruption | None = None,
    is_taken: Callable[[], bool] = lambda: False,
    trial_timeout: float | None = None,
) -> TrialReporter:
    return TrialReporter(trial, {}, interruption or Interruption(), is_taken, trial_timeout)


def test_a_step_is_reported_with_its_value() -> None:
    study = opened()
    reporter = reporter_of(asked(study))
    for step, value in ((1, 0.5), (2, 0.4)):
        reporter.report(step, value)
    assert study.trials[0].intermediate_values == {1: 0.5, 2: 0.4}


def test_a_step_that_is_reported_twice_keeps_its_first_value_and_is_warned_of() -> None:
    study = opened()
    reporter = reporter_of(asked(study))
    reporter.report(1, 0.5)
    with pytest.warns(UserWarning, match=r"ignored because this `step=1` is already reported"):
        reporter.report(1, 0.4)
    assert study.trials[0].intermediate_values == {1: 0.5}


def test_of_several_objectives_epochs_are_recorded_and_nothing_is_pruned() -> None:
    study = opened(pruner=ThresholdPruner(upper=0.1), direction=["min", "max"])
    reporter = reporter_of(asked(study))
    for step, value in ((1, 0.5), (2, 0.4)):
        reporter.report(step, value)
    assert not reporter.should_stop()
    assert study.trials[0].intermediate_values == {1: 0.5, 2: 0.4}


def test_metrics_add_up() -> None:
    reporter = reporter_of(asked(opened()))
    reporter.report_metrics({"size": 1, "speed": 2})
    reporter.report_metrics({"size": 3})
    assert reporter.metrics == {"size": 3, "speed": 2}


def test_findings_are_kept_in_the_study_and_none_is_no_attribute() -> None:
    study = opened()
    for names in (["shift", "overfitting"], []):
        reporter_of(asked(study)).report_findings(names)
    assert [Attempt(trial).findings for trial in study.trials] == [["shift", "overfitting"], []]
    assert "findings" not in study.trials[1].user_attrs


def test_findings_of_an_attempt_that_was_taken_away_end_the_run() -> None:
    study = opened()
    trial = asked(study)
    study.tell(trial, state=TrialState.FAIL)
    with pytest.raises(AttemptTaken, match=r"^taken away by another worker$"):
        reporter_of(trial).report_findings(["shift"])


def test_the_pruners_word_is_handed_back() -> None:
    reporter = reporter_of(asked(opened(pruner=ThresholdPruner(upper=0.6))))
    reporter.report(1, 0.5)
    assert not reporter.should_stop()
    reporter.report(2, 0.7)
    assert reporter.should_stop()


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
    reporter = reporter_of(asked(study))
    for step, each in enumerate(steps, start=1):
        reporter.report(step, 0.5, each)
    assert Attempt(study.trials[0]).epochs == epochs


def test_an_attempt_after_a_lost_one_reports_no_step_twice_and_counts_all_epochs() -> None:
    study = opened()
    lost = asked(study)
    first = reporter_of(lost)
    first.report(1, 0.5, 20)
    requeue(study, lost.number)
    second = reporter_of(asked(study))
    second.report(1, 0.5, 20)  # a fold that was over
    second.report(2, 0.4, 13)
    assert (first.is_retry, second.is_retry) == (False, True)
    assert study.trials[1].intermediate_values == {1: 0.5, 2: 0.4}
    assert Attempt(study.trials[1]).epochs == 33


def test_an_attempt_is_not_judged_by_the_steps_that_an_earlier_one_had_reached() -> None:
    """It goes on from a checkpoint of before, and is asked again at the step at which the other one was killed."""
    study = opened(pruner=ThresholdPruner(upper=0.6))
    lost = asked(study)
    first = reporter_of(lost)
    for step, value in ((1, 0.3), (2, 0.4), (3, 0.5), (4, 0.7)):
        first.report(step, value)
    requeue(study, lost.number)
    second = reporter_of(asked(study))
    answers = []
    for step, value in ((2, 0.4), (3, 0.5), (4, 0.7)):
        second.report(step, value)
        answers.append(second.should_stop())
    assert answers == [False, False, True]


# what ends an attempt


def poll(reporter: TrialReporter) -> None:
    reporter.poll()


def report(reporter: TrialReporter) -> None:
    reporter.report(2, 0.5)


def ask_the_pruner(reporter: TrialReporter) -> None:
    reporter.should_stop()


both = pytest.mark.parametrize("call", [poll, report], ids=lambda call: call.__name__)


@both
def test_an_interrupted_attempt_is_lost(call: Callable[[TrialReporter], None]) -> None:
    study, interruption = opened(), Interruption()
    reporter = reporter_of(asked(study), interruption)
    reporter.poll()
    interruption.request(signal.SIGINT)
    with pytest.raises(AttemptLost, match=r"^interrupted$"):
        call(reporter)
    assert study.trials[0].intermediate_values == {}


@both
def test_an_attempt_that_its_heartbeat_found_taken_is_lost(call: Callable[[TrialReporter], None]) -> None:
    taken: list[bool] = []
    reporter = reporter_of(asked(opened()), is_taken=lambda: bool(taken))
    reporter.poll()
    taken.append(True)
    with pytest.raises(AttemptTaken, match=r"^taken away by another worker$"):
        call(reporter)


@both
def test_an_interrupted_attempt_that_was_taken_too_leaves_its_folder_alone(
    call: Callable[[TrialReporter], None],
) -> None:
    interruption = Interruption()
    reporter = reporter_of(asked(opened()), interruption, is_taken=lambda: True)
    interruption.request(signal.SIGINT)
    with pytest.raises(AttemptTaken, match=r"^taken away by another worker$"):
        call(reporter)


def test_a_report_finds_out_that_the_attempt_was_taken_away() -> None:
    study = opened()
    trial = asked(study)
    reporter = reporter_of(trial)
    study.tell(trial.number, state=TrialState.FAIL)
    with pytest.raises(AttemptTaken, match=r"^taken away by another worker$"):
        reporter.report(1, 0.5)


@pytest.mark.parametrize("call", [report, ask_the_pruner], ids=lambda call: call.__name__)
def test_an_attempt_whose_journal_is_damaged_is_lost(tmp_path: Path, call: Callable[[TrialReporter], None]) -> None:
    path = tmp_path / "study.journal"
    study = opened(open_journal(path), pruner=MedianPruner(n_startup_trials=0))
    study.tell(asked(study), 0.5)
    before = path.stat().st_size
    reporter = reporter_of(asked(study))
    reporter.report(1, 0.6)
    os.truncate(path, before)  # its trial is gone
    asked(opened(open_journal(path)))  # written by one who has not read what was cut
    with pytest.raises(AttemptLost, match=r"study\.journal lost records, and others have written to it since$"):
        call(reporter)


@both
def test_an_attempt_that_takes_too_long_has_failed(call: Callable[[TrialReporter], None]) -> None:
    reporter = reporter_of(asked(opened()), trial_timeout=0.05)
    reporter.poll()
    time.sleep(0.06)
    with pytest.raises(RunFailed, match=r"^the trial took longer than hydra\.sweeper\.trial_timeout=0\.05 s$"):
        call(reporter)


def test_a_report_and_a_poll_are_progress_and_a_look_from_outside_is_none() -> None:
    reporter = reporter_of(asked(opened()))
    counts = []
    for call in (reporter.check, reporter.poll, reporter.check, lambda: reporter.report(1, 0.5), reporter.check):
        call()
        counts.append(reporter.progress)
    assert counts == [0, 1, 1, 2, 2]
