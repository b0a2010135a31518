"""The progress of a study that other processes work on: each event is shown once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from optuna import Study, Trial, create_study
from optuna.pruners import NopPruner
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState
from studies import ELSEWHERE, owned

from tunesmith.errors import UserError
from tunesmith.search.attribute_names import CONFIG_ERROR, REASON, STAGE
from tunesmith.search.console.overview import Overview
from tunesmith.search.console.progress import ProgressPrinter
from tunesmith.search.space.space import parse_space
from tunesmith.search.storage.storage import open_journal
from tunesmith.search.study.budget import ask
from tunesmith.search.study.counts import NONE_ENDED, count
from tunesmith.search.study.retries import requeue
from tunesmith.search.study.scope import Scope
from tunesmith.search.study.study import open_study

X = parse_space({}, ["x=interval(0,1)"])


@pytest.fixture
def study() -> Study:
    return open_study(InMemoryStorage(), "study", "min", NopPruner(), Scope(X))


def asked(study: Study) -> Trial:
    trial = ask(study, 100)
    assert trial is not None
    return trial


def fail(study: Study) -> None:
    trial = asked(study)
    trial.set_user_attr(REASON, "a bug")
    study.tell(trial, state=TrialState.FAIL)


def shown(progress: ProgressPrinter, capsys: pytest.CaptureFixture[str]) -> list[str]:
    progress.update()
    return [" ".join(line.split()[:3]) for line in capsys.readouterr().out.splitlines()]


def test_a_stage_is_shown_behind_the_trials_that_ended_before_it(capsys: pytest.CaptureFixture[str]) -> None:
    study = create_study()
    progress = ProgressPrinter(lambda: study, 0.5)
    for stage in ("first", "second"):
        trial = study.ask()
        trial.set_user_attr(STAGE, stage)
        study.tell(trial, 0.9)
    progress.add_stage("second", lambda: print("stage second: 2"))
    progress.add_stage("third", lambda: print("stage third: 1"))
    assert shown(progress, capsys) == ["trial 0 COMPLETE", "stage second: 2", "trial 1 COMPLETE", "stage third: 1"]
    assert shown(progress, capsys) == []


def test_each_ended_trial_is_shown_once_in_the_order_of_their_ends(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    study.tell(asked(study), 0.9)
    progress = ProgressPrinter(lambda: study, 0.5)
    first, second = asked(study), asked(study)
    assert shown(progress, capsys) == []
    study.tell(second, 0.5)
    study.tell(first, state=TrialState.PRUNED)
    assert shown(progress, capsys) == ["trial 2 COMPLETE", "trial 1 PRUNED"]
    assert shown(progress, capsys) == []
    study.tell(asked(study), 0.5)
    assert shown(progress, capsys) == ["trial 3 COMPLETE"]


def test_a_lost_attempt_is_shown(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    progress = ProgressPrinter(lambda: study, 0.5)
    requeue(study, asked(study).number)
    assert shown(progress, capsys) == ["trial 0 lost"]
    assert shown(progress, capsys) == []


def test_what_was_withdrawn_is_no_progress(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    progress = ProgressPrinter(lambda: study, 0.5)
    surplus = study.ask()
    surplus.set_user_attr("withdrawn", True)
    study.tell(surplus, state=TrialState.FAIL)
    assert shown(progress, capsys) == []


def test_failures_of_earlier_calls_end_no_sweep(study: Study) -> None:
    for _ in range(9):
        fail(study)
    progress = ProgressPrinter(lambda: study, 0.5, count(study.trials))
    for _ in range(4):
        fail(study)
        progress.update()
    fail(study)
    with pytest.raises(UserError, match=r"is exceeded: 5 of 5 trials failed in this call"):
        progress.update()


def test_a_users_mistake_ends_the_sweep(study: Study) -> None:
    progress = ProgressPrinter(lambda: study, 0.5)
    trial = asked(study)
    trial.set_user_attr(CONFIG_ERROR, "seed must be another")
    requeue(study, trial.number)
    with pytest.raises(UserError, match=r"^seed must be another$"):
        progress.update()


def test_too_many_failures_end_the_sweep(study: Study) -> None:
    progress = ProgressPrinter(lambda: study, 0.5)
    for _ in range(4):
        fail(study)
    progress.update()
    fail(study)
    with pytest.raises(UserError, match=r"^hydra\.sweeper\.max_failure_rate=0\.5 is exceeded: 5 of 5 trials failed"):
        progress.update()


def test_earlier_failures_do_not_end_a_sweep_that_goes_on(study: Study) -> None:
    for _ in range(5):
        fail(study)
    assert ProgressPrinter(lambda: study, 0.5).update() == study.get_trials()


def test_progress_go_on_where_the_journal_has_lost_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "study.journal"

    def reopened() -> Study:
        return open_study(open_journal(path), "study", "min", NopPruner(), Scope(X))

    progress = ProgressPrinter(reopened, 0.5)
    study = reopened()
    study.tell(asked(study), 0.5)
    progress.update()
    os.truncate(path, path.stat().st_size - 5)
    other = reopened()  # has not read what was cut
    other.tell(asked(other), 0.4)
    capsys.readouterr()
    assert shown(progress, capsys) == ["trial 1 COMPLETE"]


def test_a_worker_in_this_process_shows_its_own_trials_first(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """It knows that they have ended before a look at the study does."""
    before = study.ask()
    study.tell(before, 0.9)
    progress = ProgressPrinter(lambda: study, 0.5, ended=[before.number])
    own, other = asked(study), asked(study)
    study.tell(own, 0.5)
    study.tell(other, 0.4)
    progress.show(study.trials[own.number], study.trials, study.directions)
    assert capsys.readouterr().out.startswith("trial   1  COMPLETE")
    assert shown(progress, capsys) == ["trial 2 COMPLETE"]
    progress.show(study.trials[other.number], study.trials, study.directions)
    assert capsys.readouterr().out == ""


def test_beside_a_worker_the_study_is_opened_when_it_is_looked_at() -> None:
    """A sweep of a second takes no second look."""
    opened: list[Study] = []
    ProgressPrinter(lambda: opened.append(create_study()) or opened[-1], 0.5, ended=[])  # type: ignore[func-returns-value]
    assert opened == []


def test_a_worker_in_this_process_has_said_why_its_attempt_is_lost(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = ProgressPrinter(lambda: study, 0.5, ended=[])
    requeue(study, asked(study).number)
    requeue(study, owned(study, ELSEWHERE).number)
    assert shown(progress, capsys) == ["trial 1 lost"]


class Table:
    """A display that notes what it is asked."""

    is_table = True

    def __init__(self) -> None:
        self.calls: list[object] = []

    def show(self, look: Callable[[], Overview]) -> None:
        self.calls.append(look())

    def restore(self) -> None:
        self.calls.append("restore")

    def note_line(self) -> None:
        self.calls.append("line")

    def close(self) -> None:
        self.calls.append("close")


def test_what_runs_is_shown_behind_what_has_ended(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    overview, table = Overview(1, 2, NONE_ENDED, 0.0), Table()
    seen = []

    def look(study: Study, trials: Sequence[FrozenTrial]) -> Overview:
        seen.append([trial.state for trial in trials])
        return overview

    progress = ProgressPrinter(lambda: study, 0.5, display=table, look=look)
    study.tell(asked(study), 0.5)
    asked(study)
    assert shown(progress, capsys) == ["trial 0 COMPLETE"]
    progress.restore()
    progress.close()
    assert table.calls == ["line", overview, "restore", "close"]
    assert seen == [[TrialState.COMPLETE, TrialState.RUNNING]]
