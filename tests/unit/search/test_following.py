"""What follows a sweep: a reader beside the worker of this process, and what it says of the study."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra.types import RunMode
from omegaconf import DictConfig
from studies import asked, opened
from study_app import FOLDER, StudyApp, study_app

from tunesmith.errors import UserError
from tunesmith.search.console.overview import Overview
from tunesmith.search.console.progress import ProgressPrinter
from tunesmith.search.following import in_thread, look_at
from tunesmith.search.opening import StudyOpener
from tunesmith.search.reading_stages import read_stages
from tunesmith.search.settings import Settings, read_settings
from tunesmith.search.staged_study import Stages
from tunesmith.search.study.counts import Counts

STAGED = (
    *("x=interval(0,1)", "hydra.sweeper.n_trials=3", "hydra.sweeper.max_epochs=9"),
    "hydra.sweeper.stages=[{name: wide, n_trials: 2, overrides: ['+trainer.max_epochs=4']}, "
    "{name: close, n_trials: 1, narrow: 0.5}]",
)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StudyApp]:
    with study_app(tmp_path, monkeypatch) as app:
        yield app


def read(app: StudyApp, *typed: str) -> tuple[Settings, Stages, StudyOpener]:
    """What a command has read when it opens its study."""
    loader = app.context.config_loader
    config = loader.load_configuration("app", list(typed), run_mode=RunMode.MULTIRUN)
    given = {str(key): value for key, value in config.hydra.sweeper.items() if not str(key).startswith("_")}
    settings = read_settings(given)
    stages = read_stages(settings, config, [text for text in typed if not text.startswith("hydra")], loader)
    return settings, stages, StudyOpener(settings, stages, FOLDER)


def overview(app: StudyApp, *typed: str) -> Overview:
    settings, stages, opener = read(app, *typed)
    opener.reopen()  # begins the stages that the study has come to
    study = opener.follow()
    return look_at(study, study.get_trials(deepcopy=False), settings, stages.n_trials(), 1, 60.0)


def test_a_reader_begins_no_stage(app: StudyApp) -> None:
    app.sweep(*STAGED)
    _, stages, opener = read(app, *STAGED)
    told = []
    stages.tell = told.append
    stages.get(0, ())
    study = opener.follow()
    assert study.current()[0].stage.name == "wide"
    assert (len(stages.known), told) == (1, [])
    opener.reopen()
    assert study.current()[0].stage.name == "close"
    assert [stage.stage.name for stage in told] == ["close"]


def test_what_is_said_of_stages_while_they_run(app: StudyApp) -> None:
    seen = []

    def task(cfg: DictConfig) -> float:
        seen.append(overview(app, *STAGED))
        return float(cfg.x)

    found = app.sweep(*STAGED, task=task)
    assert [each.stage for each in seen] == [("wide", 0, 2), ("wide", 1, 2), ("close", 0, 1)]
    assert [(each.done, each.n_trials) for each in seen] == [(n, 3) for n in range(3)]
    assert [trial.planned for each in seen for trial in each.running] == [4, 4, 9]
    assert [each.running[0].number for each in seen] == [0, 1, 2]
    end = overview(app, *STAGED)
    assert (end.counts, end.running, end.left) == (Counts(3), [], None)
    assert end.best == (found["best_value"], found["best_trial"])


def test_several_objectives_have_a_front_and_no_best(app: StudyApp) -> None:
    two = ("x=interval(0,1)", "hydra.sweeper.direction=[minimize,minimize]", "hydra.sweeper.n_trials=3")
    app.sweep(*two, task=lambda cfg: (float(cfg.x), float(cfg.x)))
    end = overview(app, *two)
    assert (end.best, end.num_front, end.stage) == (None, 1, None)


def test_trials_of_other_processes_are_shown_while_this_one_runs_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    study = opened()
    with in_thread(ProgressPrinter(lambda: study, 1.0, ended=[])):
        study.tell(asked(study), 0.5)
        shown, until = "", time.monotonic() + 60
        while not shown and time.monotonic() < until:
            time.sleep(0.02)
            shown = capsys.readouterr().out
    assert shown.startswith("trial   0  COMPLETE  value 0.5")


def test_what_ends_the_sweep_is_left_to_the_worker(capsys: pytest.CaptureFixture[str]) -> None:
    """An error of the reader's thread would be printed, and would be the end of the table."""
    study = opened()
    looked = []

    def reopen() -> object:
        looked.append(study)
        raise UserError("the database does not answer")

    with in_thread(ProgressPrinter(reopen, 1.0, ended=[])):  # type: ignore[arg-type]
        until = time.monotonic() + 60
        while len(looked) < 2 and time.monotonic() < until:
            time.sleep(0.02)
    assert len(looked) >= 2
    assert capsys.readouterr() == ("", "")
