"""Each recipe of conf/search ends with its plan fulfilled, by any number of workers, also if each stage is killed."""

from __future__ import annotations

import csv
import math
import os
import signal
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from conftest import ROOT, TRAIN, Shell
from omegaconf import DictConfig, OmegaConf
from optuna.trial import TrialState
from plain_app import trials, wait_until
from study_app import FOLDER, StudyApp, study_app

from tunesmith.config.quoting import to_hydra
from tunesmith.search.study.trial import Attempt

KEYS = """
optimizer: {lr: 0.01, weight_decay: 0.0}
data: {path: a.csv, fraction: 1.0, folds: null, batch_size: 32}
"""
SPACE = (
    "optimizer.lr=tag(log,interval(1e-4,1e-1))",
    "data.batch_size=8,16,32,64",
    "model.num_layers=int(interval(1,5))",
    "optimizer.weight_decay=tag(log,interval(1e-5,1e-2))",
)
SMALL = ("trainer.max_epochs=2", "hydra.sweeper.n_trials=12", "model.hidden_units=16", "trainer.accelerator=cpu")
# The stages of each recipe, and how many of 12 trials each of them has.
PLANS = {
    "coarse_to_fine": {"coarse": 6, "fine": 4, "finer": 2},
    "random_then_grid": {"random": 6, "grid": 6},
    "one_at_a_time": {"one_at_a_time": 12},
    "staged": {"learning_rate": 4, "size": 4, "regularisation": 4},
    "subset_then_full": {"subset": 11, "full": 1},
    "workflow": {"defaults": 1, "random": 5, "grid": 4, "cross_validation": 1, "final": 1},
}
# On digits with the net's width typed, staged varies three numbers of layers in its second stage.
DIGITS_PLANS = PLANS | {"staged": {"learning_rate": 5, "size": 3, "regularisation": 4}}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StudyApp]:
    with study_app(tmp_path, monkeypatch) as app:
        config = (app.conf / "app.yaml").read_text().replace("data: {path: a.csv}\n", KEYS)
        (app.conf / "app.yaml").write_text(config)
        (app.conf / "model/mlp.yaml").write_text("{kind: mlp, units: 8, num_layers: 2}")
        yield app


def typed(recipe: str) -> list[str]:
    """Return what a command types for the stages of a recipe, 12 trials in total."""
    stages = OmegaConf.to_container(OmegaConf.load(ROOT / f"conf/search/{recipe}.yaml").hydra.sweeper.stages)
    return [*SPACE, f"hydra.sweeper.stages={to_hydra(stages)}", "hydra.sweeper.n_trials=12"]


def value(cfg: DictConfig) -> float:
    """Return a value that is best at lr=.003, batch 16, 3 layers, weight decay .0001; a part of the data is worse."""
    lr, decay = math.log10(cfg.optimizer.lr / 3e-3), math.log10((cfg.optimizer.weight_decay + 1e-6) / 1e-4)
    size, batch = cfg.model.num_layers - 3, math.log2(cfg.data.batch_size / 16)
    return float(lr**2 + 0.1 * decay**2 + 0.2 * size**2 + 0.1 * batch**2 + (1 - cfg.data.fraction))


def stages_of(state: str) -> dict[str, int]:
    """Count the trials of each stage that have ended so."""
    rows = csv.DictReader((FOLDER / "trials.csv").read_text().splitlines())
    return dict(Counter(row["stage"] for row in rows if row["state"] == state))


@pytest.mark.parametrize("recipe", PLANS)
def test_a_recipe_fulfils_its_plan(app: StudyApp, recipe: str) -> None:
    app.sweep(*typed(recipe), task=value)
    assert stages_of("COMPLETE") == PLANS[recipe]


def test_the_same_command_once_more_runs_nothing(app: StudyApp) -> None:
    for _ in range(2):
        app.sweep(*typed("subset_then_full"), task=value)
    assert len(app.ran) == 12


def test_with_more_trials_each_stage_gets_its_share_of_them(app: StudyApp) -> None:
    """A stage of five points has no more trials than those; what it held has changed, and it runs them again."""
    app.sweep(*typed("staged"), task=value)
    found = app.sweep(*typed("staged"), "hydra.sweeper.n_trials=18", task=value)
    assert [stage["trials"] for stage in found["search"]["stages"]] == [7, 5, 6]
    assert len(app.ran) == 12 + 3 + 5 + 6


def test_the_results_list_the_effect_of_each_key_the_largest_first(
    app: StudyApp, capsys: pytest.CaptureFixture[str]
) -> None:
    found = app.sweep(*typed("one_at_a_time"), task=value)
    effects = found["search"]["stages"][0]["effects"]
    base = 0.2 * 1 + 0.1 * 1 + 0.1 * 4 + math.log10(0.01 / 3e-3) ** 2
    assert [(each["key"], each["best"]) for each in effects] == [
        ("optimizer.lr", pytest.approx(10**-2.5)),
        ("model.num_layers", 3),
        ("optimizer.weight_decay", pytest.approx(10**-3.5)),
        ("data.batch_size", 32),
    ]
    assert effects[1]["values"] == [
        [2, pytest.approx(base)],
        *([n, pytest.approx(base - 0.2 + 0.2 * (n - 3) ** 2)] for n in (1, 3, 5)),
    ]
    assert "effects      optimizer.lr 2.3" in capsys.readouterr().out


def test_the_best_trial_is_what_cross_validation_picks_not_the_best_of_one_split(app: StudyApp) -> None:
    """Over folds the worst of the three is the best."""

    def task(cfg: DictConfig) -> float:
        return value(cfg) if cfg.data.folds is None else -value(cfg)

    found = app.sweep(*typed("workflow"), "hydra.sweeper.n_trials=40", task=task)
    final = found["search"]["stages"][-1]
    assert (final["name"], final["best_trial"]) == ("final", found["best_trial"])
    assert final["best_value"] > found["search"]["stages"][2]["best_value"]


SLOW = [(recipe, number) for recipe in PLANS for number in (1, 2) if (recipe, number) != ("subset_then_full", 2)]


@pytest.mark.parametrize(
    ("recipe", "num_workers"),
    [("subset_then_full", 2), *(pytest.param(*each, marks=pytest.mark.slow) for each in SLOW)],
)
def test_killed_in_each_stage_it_goes_on_in_the_right_one(app: StudyApp, recipe: str, num_workers: int) -> None:
    """Commands that join a study are its workers; the one that meets the limit first kills itself at once."""
    begin = 0
    for num_trials in PLANS[recipe].values():
        commands = [forked(app, recipe, until=begin + num_trials // 2) for _ in range(num_workers)]
        assert {os.waitstatus_to_exitcode(os.waitpid(each, 0)[1]) for each in commands} == {-signal.SIGKILL}
        begin += num_trials
    commands = [forked(app, recipe, until=1000) for _ in range(num_workers)]
    assert {os.waitstatus_to_exitcode(os.waitpid(each, 0)[1]) for each in commands} == {0}
    assert stages_of("COMPLETE") == PLANS[recipe]


def forked(app: StudyApp, recipe: str, until: int) -> int:
    """Run the command in a process that is killed in the trial after so many have ended; return its pid."""
    pid = os.fork()
    if pid:
        return pid
    done = Path("done")
    done.mkdir(exist_ok=True)

    def task(cfg: DictConfig) -> float:
        if len(list(done.iterdir())) >= until:
            os.kill(os.getpid(), signal.SIGKILL)
        (done / str(cfg.hydra.job.num if "hydra" in cfg else f"{os.getpid()}-{len(app.ran)}")).touch()
        return value(cfg)

    try:
        app.sweep(*typed(recipe), task=task)
        os._exit(0)
    finally:  # a failure must not come back into the test's own process
        os._exit(1)


@pytest.mark.slow
@pytest.mark.parametrize("n_workers", [1, 2])
@pytest.mark.parametrize("recipe", PLANS)
def test_a_command_killed_in_each_stage_goes_on_in_the_right_one(shell: Shell, recipe: str, n_workers: int) -> None:
    """Trains digits; the sweep's process is killed, and its workers end with it."""
    command = ["-m", f"search={recipe}", "study_name=s", *SMALL, f"hydra.sweeper.n_workers={n_workers}"]
    for stage in DIGITS_PLANS[recipe]:
        process = shell.start(TRAIN, *command)
        wait_until(partial(is_at_work, shell, stage))
        process.kill()
        process.communicate()
    done = shell.train(*command)
    assert (done.code, done.err) == (0, "")
    rows = csv.DictReader((shell.study("s") / "trials.csv").read_text().splitlines())
    assert dict(Counter(row["stage"] for row in rows if row["state"] in ("COMPLETE", "PRUNED"))) == DIGITS_PLANS[recipe]


def is_at_work(shell: Shell, stage: str) -> bool:
    """Whether a trial of a stage has begun and not ended."""
    try:
        return any(Attempt(trial).stage == stage and trial.state == TrialState.RUNNING for trial in trials(shell))
    except (KeyError, OSError):  # the study is not made yet
        return False
