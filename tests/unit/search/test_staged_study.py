"""Stages of a sweep, one after the other on one study, by the commands of an app."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from omegaconf import DictConfig
from study_app import FOLDER, StudyApp, study_app, study_in_journal, trials

from tunesmith.errors import UserError
from tunesmith.reporting import report_metrics
from tunesmith.run_folder import read_yaml
from tunesmith.search.attribute_names import STAGE
from tunesmith.search.study.config_record import read_records
from tunesmith.search.study.trial import Attempt

SPACE = ("x=interval(0,1)", "y=tag(log,interval(1e-2,10))")
WIDE_THEN_NARROW = "hydra.sweeper.stages=[{name: wide, n_trials: 6}, {name: narrow, n_trials: 4, narrow: 0.25}]"
DATA_THEN_ALL = (
    "hydra.sweeper.stages=[{name: part, n_trials: 6, overrides: ['data.path=part.csv']}, {name: all, top: 2}]"
)
STAGED = (
    "hydra.sweeper.stages=[{name: x, n_trials: 4, keys: [x]}, {name: y, n_trials: 4, keys: [y]}, {name: last, top: 1}]"
)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StudyApp]:
    with study_app(tmp_path, monkeypatch) as app:
        yield app


def bowl(cfg: DictConfig) -> float:
    """Lower is better; a part of the data makes all values look better."""
    value = float((cfg.x - 0.3) ** 2 + (cfg.y - 1) ** 2 / 100)
    return value - 10 if cfg.data.path == "part.csv" else value


def stages() -> list[str | None]:
    return [Attempt(trial).stage for trial in trials()]


def rows() -> list[dict[str, str]]:
    with (FOLDER / "trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_stages_run_one_after_the_other(app: StudyApp, capsys: pytest.CaptureFixture[str]) -> None:
    found = app.sweep(*SPACE, WIDE_THEN_NARROW, "hydra.sweeper.n_trials=10", task=bowl)
    assert stages() == ["wide"] * 6 + ["narrow"] * 4
    assert [row["stage"] for row in rows()] == stages()
    best = min(trials()[:6], key=lambda trial: trial.values[0])
    assert all(abs(trial.params["x"] - best.params["x"]) <= 0.25 for trial in trials()[6:])
    assert [(each["name"], each["trials"]) for each in found["search"]["stages"]] == [("wide", 6), ("narrow", 4)]
    assert found["best_value"] == min(trial.values[0] for trial in trials())
    assert found["trials"]["complete"] == 10
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("stage ")] == ["stage wide: 6 trials", "stage narrow: 4 trials"]
    first = lines.index("stage wide: 6 trials")
    assert lines[first + 1 : first + 3] == ["  x  0 to 1", "  y  0.01 to 10, log scale"]


@pytest.mark.parametrize(
    ("stages", "n_trials", "best_of"),
    [
        pytest.param(WIDE_THEN_NARROW, 10, slice(0, 7), id="the stages before ran on the same data"),
        pytest.param(DATA_THEN_ALL, 8, slice(6, 7), id="on other data"),
    ],
)
def test_the_best_so_far_is_that_of_all_comparable_trials(
    app: StudyApp, capsys: pytest.CaptureFixture[str], stages: str, n_trials: int, best_of: slice
) -> None:
    app.sweep(*SPACE, stages, f"hydra.sweeper.n_trials={n_trials}", task=bowl)
    best = min(trials()[best_of], key=lambda each: each.values[0])
    (line,) = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("trial   6 ")
    ]  # the second stage's first
    assert f"  best {best.values[0]:.6g} (trial {best.number})  " in line


def test_repeats_on_other_seeds_are_compared_with_no_trial(app: StudyApp, capsys: pytest.CaptureFixture[str]) -> None:
    confirm = "hydra.sweeper.confirm={top: 2, seeds: 2}"
    app.sweep("x=interval(0,1)", "hydra.sweeper.n_trials=3", confirm, task=bowl)
    lines = capsys.readouterr().out.splitlines()
    repeats = lines[lines.index("stage confirm: 4 trials") :]
    assert repeats[1].endswith(" again, each with seeds 1, 2")
    assert ["best" in line for line in lines if line.startswith("trial ")] == [True] * 3 + [False] * 4


def test_a_sweep_without_stages_names_none(app: StudyApp) -> None:
    found = app.sweep(*SPACE, "hydra.sweeper.n_trials=2", task=bowl)
    assert STAGE not in trials()[0].user_attrs
    assert [row["stage"] for row in rows()] == ["", ""]
    assert found["search"] == {"sampler": "RandomSampler", "pruner": "NopPruner", "stages": []}


def test_the_best_of_a_part_of_the_data_runs_again_on_all_of_it(app: StudyApp) -> None:
    found = app.sweep(*SPACE, DATA_THEN_ALL, "hydra.sweeper.n_trials=8", task=bowl)
    assert Counter(stages()) == {"part": 6, "all": 2}
    assert app.points("data") == [({"path": "part.csv"},)] * 6 + [({"path": "a.csv"},)] * 2
    order = sorted(trials()[:6], key=lambda trial: trial.values[0])
    assert [trial.params for trial in trials()[6:]] == [trial.params for trial in order[:2]]
    assert found["best_trial"] == min(trials()[6:], key=lambda trial: trial.values[0]).number
    assert read_yaml(FOLDER / "best.yaml")["data"] == {"path": "a.csv"}
    digests = {Attempt(trial).config_digest for trial in trials()}
    assert len(digests) == 2


def test_keys_of_earlier_stages_are_held_at_the_best_so_far(app: StudyApp) -> None:
    app.sweep(*SPACE, STAGED, "hydra.sweeper.n_trials=9", task=bowl)
    best = min(trials()[:4], key=lambda trial: trial.values[0])
    assert [config["y"] for config in app.ran[:4]] == [1] * 4  # as the config has it
    assert [trial.params["x"] for trial in trials()[4:8]] == [best.params["x"]] * 4
    assert [config["x"] for config in app.ran[4:8]] == [best.params["x"]] * 4
    assert len({trial.params["y"] for trial in trials()[4:8]}) == 4


def stopping_after(app: StudyApp, number: int, *typed: str) -> None:
    """Run a command whose process is told to stop in its trial of this number."""

    def task(cfg: DictConfig) -> float:
        if len(app.ran) == number:
            raise KeyboardInterrupt
        return bowl(cfg)

    with pytest.raises(KeyboardInterrupt):
        app.sweep(*SPACE, *typed, task=task)


@pytest.mark.parametrize("number", [2, 6, 7, 9], ids=["first stage", "its last trial", "border", "second stage"])
def test_a_sweep_that_was_stopped_in_a_stage_goes_on_in_it(app: StudyApp, number: int) -> None:
    typed = (WIDE_THEN_NARROW, "hydra.sweeper.n_trials=10")
    stopping_after(app, number, *typed)
    app.sweep(*SPACE, *typed, task=bowl)
    ended = [Attempt(trial) for trial in trials() if Attempt(trial).state.is_counted]
    assert [attempt.stage for attempt in ended] == ["wide"] * 6 + ["narrow"] * 4
    lost = [Attempt(trial) for trial in trials() if not Attempt(trial).state.is_counted]
    assert [attempt.number for attempt in lost] == [number - 1]
    retry = next(attempt for attempt in map(Attempt, trials()) if attempt.retry_of == number - 1)
    assert (retry.stage, retry.params) == (lost[0].stage, lost[0].params)


def test_with_more_trials_an_earlier_stage_goes_on_first(app: StudyApp) -> None:
    app.sweep(*SPACE, WIDE_THEN_NARROW, "hydra.sweeper.n_trials=5", task=bowl)
    assert Counter(stages()) == {"wide": 3, "narrow": 2}
    app.sweep(*SPACE, WIDE_THEN_NARROW, "hydra.sweeper.n_trials=10", task=bowl)
    assert stages()[5:8] == ["wide"] * 3
    assert stages()[8:] == ["narrow"] * (len(stages()) - 8)
    inside = [row for row in rows() if row["stage"] == "narrow"]
    assert len(inside) >= 4


def test_an_override_of_a_stage_that_changes_after_it_has_trials_is_refused(app: StudyApp) -> None:
    app.sweep(*SPACE, DATA_THEN_ALL, "hydra.sweeper.n_trials=8", task=bowl)
    changed = DATA_THEN_ALL.replace("part.csv", "other.csv")
    with pytest.raises(
        UserError, match=r"^data\.path must stay as it was in the earlier trials of study s: part\.csv; got other"
    ):
        app.sweep(*SPACE, changed, "hydra.sweeper.n_trials=8", task=bowl)
    assert len(trials()) == 8


def test_trials_of_a_stage_that_is_listed_no_more_count_for_nothing(app: StudyApp) -> None:
    app.sweep(*SPACE, DATA_THEN_ALL, "hydra.sweeper.n_trials=8", task=bowl)
    found = app.sweep(*SPACE, "hydra.sweeper.stages=[{name: new, n_trials: 3}]", "hydra.sweeper.n_trials=3", task=bowl)
    assert found["trials"]["complete"] == 3
    assert stages()[8:] == ["new"] * 3
    assert found["best_value"] >= 0  # the values of the part are below


def test_a_sweep_without_stages_goes_on_beside_the_trials_of_stages(app: StudyApp) -> None:
    app.sweep(*SPACE, WIDE_THEN_NARROW, "hydra.sweeper.n_trials=4", task=bowl)
    found = app.sweep(*SPACE, "hydra.sweeper.n_trials=3", task=bowl)
    assert (found["trials"]["complete"], len(trials())) == (3, 7)


def test_records_say_which_stage_they_are_of(app: StudyApp) -> None:
    app.sweep(*SPACE, STAGED, "hydra.sweeper.n_trials=9", task=bowl)
    swept = {record.stage: set(record.swept) for record in read_records(study_in_journal()).values()}
    assert swept == {"x": {"x"}, "y": {"x", "y"}, "last": {"x", "y"}}


def test_a_stage_that_meets_its_target_hands_on_at_once(app: StudyApp) -> None:
    listed = "[{name: wide, n_trials: 50, target: 100}, {name: narrow, n_trials: 2, narrow: 0.25}]"
    app.sweep(*SPACE, f"hydra.sweeper.stages={listed}", "hydra.sweeper.n_trials=52", task=bowl)
    assert stages() == ["wide", "narrow", "narrow"]


def test_the_best_trial_keeps_the_constraints_though_the_last_stage_breaks_them(app: StudyApp) -> None:
    listed = "[{name: free, n_trials: 3}, {name: again, top: 1, overrides: ['+is_big=true']}]"

    def task(cfg: DictConfig) -> float:
        report_metrics({"size": 9 if cfg.get("is_big") else 1})
        return bowl(cfg)

    rule = "hydra.sweeper.constraints={size: '<= 3'}"
    found = app.sweep(*SPACE, f"hydra.sweeper.stages={listed}", "hydra.sweeper.n_trials=4", rule, task=task)
    assert stages() == ["free", "free", "free", "again"]
    assert found["best_trial"] == min(trials()[:3], key=lambda trial: trial.values[0]).number


def test_a_dry_run_shows_each_stage(app: StudyApp, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssertionError):  # a dry run has no results
        app.sweep(*SPACE, STAGED, "hydra.sweeper.n_trials=9", "hydra.sweeper.dry_run=true", task=bowl)
    printed = capsys.readouterr().out
    lines = [line.partition(" trial")[0] for line in printed.splitlines() if line.startswith("stage ")]
    assert lines == ["stage x: 4", "stage y: 4", "stage last: 1"]
    assert "no trial before" not in printed


def test_a_command_that_goes_on_counts_the_trials_of_later_stages(
    app: StudyApp, capsys: pytest.CaptureFixture[str]
) -> None:
    """The points of those are known only by their number, and repeats on other seeds are not of n_trials."""
    typed = (STAGED, "hydra.sweeper.n_trials=9", "hydra.sweeper.confirm={top:2,seeds:3}")
    stopping_after(app, 3, *typed)
    stopping_after(app, 6, *typed)
    assert "going on with the study: 2 of 9 trials counted" in capsys.readouterr().out


def test_effects_are_those_of_the_present_configuration(app: StudyApp) -> None:
    """Each key is changed from where the config has it; what an earlier config has run besides stays in the study."""
    typed = ("x=0,1,2", "y=1,2,3", "hydra.sweeper.stages=[{one_at_a_time: 3}]")
    app.sweep(*typed, task=bowl)
    (app.conf / "app.yaml").write_text((app.conf / "app.yaml").read_text().replace("y: 1", "y: 2"))
    found = app.sweep(*typed, task=bowl)
    values = {each["key"]: each["values"] for each in found["search"]["stages"][0]["effects"]}
    assert values["x"] == [[0, pytest.approx(0.1)], [1, pytest.approx(0.5)], [2, pytest.approx(2.9)]]
    assert values["y"] == [[2, pytest.approx(0.1)], [1, pytest.approx(0.09)], [3, pytest.approx(0.13)]]
