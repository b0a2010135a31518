"""scripts/repair.py: a study is rebuilt from its folders, and its command goes on with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from omegaconf import DictConfig
from optuna import TrialPruned
from optuna.trial import FrozenTrial, TrialState
from studies import ELSEWHERE
from study_app import FOLDER, StudyApp, study_app, trials

from tunesmith.errors import RunFailed, UserError
from tunesmith.reporting import current_reporter, report_metrics
from tunesmith.run_folder import MetricsTable, write_yaml
from tunesmith.search.repair import repair
from tunesmith.search.storage.storage import JOURNAL_FILE, open_journal
from tunesmith.search.study.trial import Attempt, state_of

SPACE = ("x=interval(0,1)", "layers=choice([8],[8,8])", "name=choice(a,'b c')", "model=mlp,cnn")


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StudyApp]:
    with study_app(tmp_path, monkeypatch) as found:
        yield found


class Job:
    """Leaves what a run of ours leaves; each third trial is pruned, each fifth fails."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, cfg: DictConfig) -> float:
        folder, number = FOLDER / str(self.calls), self.calls
        self.calls += 1
        table = MetricsTable(folder, 0)
        for epoch in (1, 2):
            table.append(epoch, {"loss": cfg.x + epoch})
            current_reporter().report(epoch, cfg.x + epoch)
        state = "FAIL" if number % 5 == 4 else "PRUNED" if number % 3 == 2 else "COMPLETE"
        reason = "a bug" if state == "FAIL" else None
        fields = {"metric": "loss", "mode": "min", "value": cfg.x + 1, "epochs": 2, "seconds": 3.0, "state": state}
        write_yaml(folder / "result.yaml", {**fields, "reason": reason, "note": f"n{number}", "tags": ["t"]})
        if state == "PRUNED":
            raise TrialPruned
        if state == "FAIL":
            raise RunFailed("a bug")
        return float(cfg.x + 1)


def facts(trials: list[FrozenTrial]) -> list[Any]:
    return [
        (t.number, state_of(t), t.values, t.params, t.distributions, t.intermediate_values, Attempt(t).reason)
        for t in trials
    ]


def keep_lines(number: int) -> None:
    """Cut the journal of a sweep whose process is gone."""
    journal = FOLDER / JOURNAL_FILE
    kept = b"".join(journal.read_bytes().splitlines(keepends=True)[:number])
    journal.write_bytes(kept.replace(b'"pid":%d,' % os.getpid(), b'"pid":99999999,'))


def sweep(app: StudyApp, *typed: str, job: Job) -> None:
    app.sweep(*SPACE, "note=n", *typed, task=job)


@pytest.mark.parametrize("num_left", [None, 1, 2, 20], ids=lambda number: f"{number} lines left")
def test_a_study_whose_journal_was_lost_is_rebuilt_and_goes_on(app: StudyApp, num_left: int | None) -> None:
    job = Job()
    sweep(app, "hydra.sweeper.n_trials=6", job=job)
    want = facts(trials())
    if num_left is None:
        (FOLDER / JOURNAL_FILE).unlink()
    else:
        keep_lines(num_left)
    (line,) = repair(FOLDER)
    assert line.startswith("study s: trials ")
    assert facts(trials()) == want
    sweep(app, "hydra.sweeper.n_trials=8", job=job)
    assert job.calls == 8
    assert facts(trials())[:6] == want
    assert len(trials()) == 8


def test_a_whole_study_stays_as_it_is(app: StudyApp) -> None:
    sweep(app, "hydra.sweeper.n_trials=3", job=Job())
    before = (FOLDER / JOURNAL_FILE).read_bytes()
    assert repair(FOLDER) == ["study s: its 3 trials are those of its folders; nothing to repair"]
    assert (FOLDER / JOURNAL_FILE).read_bytes() == before


def test_a_rebuilt_study_is_compared_with_the_config_of_its_trials(app: StudyApp) -> None:
    sweep(app, "hydra.sweeper.n_trials=3", job=Job())
    (FOLDER / JOURNAL_FILE).unlink()
    repair(FOLDER)
    with pytest.raises(UserError, match=r"^y must stay as it was in the earlier trials of study s: 1; got 2"):
        sweep(app, "y=2", job=Job())


def test_a_trial_without_an_end_is_lost_and_one_without_a_folder_keeps_its_number(app: StudyApp) -> None:
    sweep(app, "hydra.sweeper.n_trials=4", job=Job())
    (FOLDER / JOURNAL_FILE).unlink()
    (FOLDER / "trials.csv").unlink()
    (FOLDER / "1" / "result.yaml").unlink()
    for path in sorted((FOLDER / "0").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (FOLDER / "0").rmdir()
    repair(FOLDER)
    assert [state_of(trial).name for trial in trials()] == ["SURPLUS", "LOST", "PRUNED", "COMPLETE"]
    assert set(trials()[1].params) == {"x", "layers", "name", "model"}


def test_trials_of_another_apps_job_are_taken_from_the_table(app: StudyApp) -> None:
    app.sweep("x=interval(0,1)", "hydra.sweeper.n_trials=3")
    want = [(trial.values, trial.params) for trial in trials()]
    (FOLDER / JOURNAL_FILE).unlink()
    repair(FOLDER)
    assert [(trial.values, trial.params) for trial in trials()] == want


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("", ""),
        ("number,state,value", "0,COMPLETE"),
        ("number,state,value,reason", "0,DONE,0.5,"),
        ("number,state,value,reason", "0,RUNNING,,"),
        ("number,state,value,reason", "0,COMPLETE,half,"),
        ("number,state,value,reason", "0,COMPLETE,,"),
        ("name,x", "0,1"),
    ],
)
def test_a_table_that_was_spoilt_tells_nothing(app: StudyApp, header: str, row: str) -> None:
    app.sweep("x=0,1", task=lambda cfg: float(cfg.x))
    (FOLDER / JOURNAL_FILE).unlink()
    (FOLDER / "trials.csv").write_text(f"{header}\n{row}\n")
    repair(FOLDER)
    assert [(trial.state, trial.params) for trial in trials()] == [
        (TrialState.FAIL, {"x": 0}),
        (TrialState.FAIL, {"x": 1}),
    ]


def test_an_end_that_no_worker_has_told_is_taken_from_the_folder(app: StudyApp) -> None:
    sweep(app, "hydra.sweeper.n_trials=2", job=Job())
    want = facts(trials())
    keep_lines(-1)
    assert repair(FOLDER) == ["study s: trials 1 were taken from their folders: 1 complete"]
    assert facts(trials()) == want


def test_a_study_at_work_is_refused(app: StudyApp) -> None:
    sweep(app, "hydra.sweeper.n_trials=2", job=Job())
    study = optuna.load_study(study_name="s", storage=open_journal(FOLDER / JOURNAL_FILE))
    study.ask().set_user_attr("owner", ELSEWHERE.to_attribute(None))
    with pytest.raises(UserError, match=r"^folder must be that of a study that no worker is at; got sweeps/s, whose"):
        repair(FOLDER)


def test_a_folder_that_is_no_studys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^folder must be a study's; got .* \(multirun\.yaml: "):
        repair(tmp_path)


def test_a_study_in_a_database_is_refused(app: StudyApp) -> None:
    app.sweep("x=interval(0,1)", "hydra.sweeper.n_trials=1", "hydra.sweeper.storage=sqlite:///s.db")
    with pytest.raises(UserError, match=r"^folder must be that of a study in a journal; got sweeps/s, whose study"):
        repair(FOLDER)


def test_several_objectives_and_constraints_are_taken_from_the_folders(app: StudyApp) -> None:
    typed = ("x=0,1", "hydra.sweeper.direction=[minimize,maximize]", "hydra.sweeper.constraints={loss: '<= 1.5'}")

    def job(cfg: DictConfig) -> tuple[float, float]:
        folder = FOLDER / str(cfg.x)
        MetricsTable(folder, 0).append(1, {"loss": cfg.x + 1.0})
        report_metrics({"loss": cfg.x + 1.0})
        values = {"loss": cfg.x + 1.0, "size": 3.0 * cfg.x}
        result = {"metric": "loss", "mode": "min", "value": values["loss"], "epoch": 1, "epochs": 1, "seconds": 1.0}
        write_yaml(folder / "result.yaml", {**result, "state": "COMPLETE", "values": values})
        return values["loss"], values["size"]

    found = app.sweep(*typed, task=job)
    (FOLDER / JOURNAL_FILE).unlink()
    repair(FOLDER)
    assert [(trial.values, trial.constraints) for trial in trials()] == [
        ([1.0, 0.0], {"loss <= 1.5": -0.5}),
        ([2.0, 3.0], {"loss <= 1.5": 0.5}),
    ]
    again = app.sweep(*typed, task=job)
    assert [each["trial"] for each in again["solutions"]] == [each["trial"] for each in found["solutions"]] == [0]


def test_values_of_several_objectives_are_taken_from_the_table(app: StudyApp) -> None:
    typed = ("x=0,1", "hydra.sweeper.direction=[minimize,maximize]")
    app.sweep(*typed, task=lambda cfg: (cfg.x, 2 * cfg.x))
    (FOLDER / JOURNAL_FILE).unlink()
    repair(FOLDER)
    assert [trial.values for trial in trials()] == [[0.0, 0.0], [1.0, 2.0]]


STAGES = (
    "[{name: part, n_trials: 4, overrides: ['y=2']}, {name: whole, n_trials: 3, narrow: 0.5}, {name: again, top: 1}]"
)


def test_the_stages_of_trials_are_taken_from_their_folders(app: StudyApp) -> None:
    """A sweep that was killed has no table of its trials; the stages have different configs."""
    job, typed = Job(), (f"hydra.sweeper.stages={STAGES}", "hydra.sweeper.n_trials=8")
    sweep(app, *typed, job=job)
    want = [(Attempt(trial).stage, trial.params) for trial in trials()]
    assert [stage for stage, _ in want] == [*["part"] * 4, *["whole"] * 3, "again"]
    (FOLDER / JOURNAL_FILE).unlink()
    (FOLDER / "trials.csv").unlink()
    repair(FOLDER)
    assert [(Attempt(trial).stage, trial.params) for trial in trials()] == want
    found = app.sweep(*SPACE, "note=n", *typed, task=job)
    assert job.calls == 8
    assert found["best_trial"] == 7
