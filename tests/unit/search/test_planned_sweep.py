"""Sweeps with known points, limits and a confirmation, by the app's command."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import DictConfig
from study_app import FOLDER, StudyApp, study_app, trials

from tunesmith.errors import UserError
from tunesmith.run_folder import read_yaml
from tunesmith.search.study.trial import Attempt

X = "x=interval(0,1)"
CONFIRM = "hydra.sweeper.confirm={top:2,seeds:3}"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StudyApp]:
    with study_app(tmp_path, monkeypatch) as app:
        yield app


def noisy(cfg: DictConfig) -> float:
    """Smallest at x = 0.3; seed 0, that of the search, makes x > 0.5 look best."""
    luck = 2.0 if cfg.seed == 0 and cfg.x > 0.5 else 0.0
    return float((cfg.x - 0.3) ** 2 - luck + random.Random(f"{cfg.x} {cfg.seed}").gauss(0, 0.01))


POINTS = "hydra.sweeper.enqueue=[{x:0.31},{x:0.6},{x:0.9}]"
SEARCH = (X, POINTS, "hydra.sweeper.n_trials=3")


def test_known_points_come_first_each_once(app: StudyApp, capsys: pytest.CaptureFixture[str]) -> None:
    typed = (X, "hydra.sweeper.baseline=true", "hydra.sweeper.enqueue=[{x:0.25,foo.bar:1},{x:0.75}]")
    app.sweep(*typed, "hydra.sweeper.n_trials=2")
    assert app.points("x") == [(0,), (0.25,)]
    line = "hydra.sweeper.enqueue: left out of point 0, as they are not in this space: foo.bar\n"
    assert line in capsys.readouterr().out
    app.sweep(*typed, "hydra.sweeper.n_trials=5")
    (x,), *drawn = app.points("x", since=2)
    assert x == 0.75
    assert len({*drawn, (0,), (0.25,), (0.75,)}) == 5


def test_the_best_is_that_of_the_search_while_its_confirmation_is_not_over(app: StudyApp) -> None:
    def stops(cfg: DictConfig) -> float:
        if len(app.ran) == 6:
            raise KeyboardInterrupt
        return noisy(cfg) - (10 if cfg.seed != 0 else 0)  # repeats look better

    with pytest.raises(KeyboardInterrupt):
        app.sweep(*SEARCH, CONFIRM, task=stops)
    found = read_yaml(FOLDER / "optimization_results.yaml")
    assert (found["best_trial"], found["confirm"]["repeats"]["ended"]) == (1, 2)


def test_a_point_outside_of_the_space_is_refused_before_anything_is_recorded(app: StudyApp) -> None:
    with pytest.raises(UserError, match=r"^hydra\.sweeper\.enqueue: point 0 has x=2, which must be 0 to 1$"):
        app.sweep(X, "hydra.sweeper.enqueue=[{x:2}]")
    assert not FOLDER.exists()


def test_the_best_of_another_study_comes_first(app: StudyApp) -> None:
    best = app.sweep(X, "hydra.sweeper.n_trials=4")
    app.sweep(X, "hydra.sweeper.study_name=t", "hydra.sweep.dir=sweeps/t", "hydra.sweeper.enqueue=s")
    assert app.points("x", since=4)[0] == (best["best_params"]["x"],)


def test_in_a_grid_known_points_come_first_and_there_is_no_baseline(app: StudyApp) -> None:
    app.sweep("x=1,2,3", "hydra.sweeper.baseline=true", "hydra.sweeper.enqueue=[{x:3}]")
    assert app.points("x") == [(3,), (1,), (2,)]


def test_a_search_that_is_stopped_says_why_and_goes_on_with_a_wider_limit(
    app: StudyApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app.sweep(*SEARCH, "hydra.sweeper.target=0.7")
    assert app.points("x") == [(0.31,)]
    assert "stopped: trial 0 has reached hydra.sweeper.target=0.7: 0.31; " in capsys.readouterr().out
    app.sweep(*SEARCH)
    assert app.points("x") == [(0.31,), (0.6,), (0.9,)]


def test_the_confirmed_trial_is_the_best_one(app: StudyApp, capsys: pytest.CaptureFixture[str]) -> None:
    found = app.sweep(*SEARCH, "hydra.sweeper.confirm={top:3,seeds:3}", task=noisy)
    assert app.points("x", "seed", since=3) == [(x, seed) for seed in (1, 2, 3) for x in (0.6, 0.9, 0.31)]
    assert (found["best_trial"], found["best_params"], found["confirm"]["trial"]) == (0, {"x": 0.31}, 0)
    assert found["best_value"] == trials()[0].value
    assert found["confirm"]["mean"] == pytest.approx(0.0, abs=0.02)
    assert [each["trial"] for each in found["confirm"]["candidates"]] == [0, 1, 2]
    assert found == yaml.safe_load((FOLDER / "optimization_results.yaml").read_text())
    best = yaml.safe_load((FOLDER / "best.yaml").read_text())
    assert (best["x"], best["seed"]) == (0.31, 0)
    assert "confirmed    trial 0: mean " in capsys.readouterr().out


def test_more_seeds_and_more_configurations_run_what_is_missing(app: StudyApp) -> None:
    app.sweep(*SEARCH, CONFIRM, task=noisy)
    app.sweep(*SEARCH, CONFIRM, task=noisy)
    assert len(app.ran) == 3 + 6
    app.sweep(*SEARCH, "hydra.sweeper.confirm={top:3,seeds:4}", task=noisy)
    assert app.points("x", "seed", since=9) == [(0.31, 1), (0.31, 2), (0.31, 3), (0.6, 4), (0.9, 4), (0.31, 4)]
    assert app.sweep(*SEARCH, task=noisy)["best_trial"] == 1
    assert len(app.ran) == 3 + 12


def test_a_larger_budget_searches_on_and_confirms_again(app: StudyApp) -> None:
    app.sweep(X, "hydra.sweeper.enqueue=[{x:0.6},{x:0.9}]", "hydra.sweeper.n_trials=2", CONFIRM, task=noisy)
    app.sweep(X, "hydra.sweeper.enqueue=[{x:0.6},{x:0.9},{x:0.55}]", "hydra.sweeper.n_trials=3", CONFIRM, task=noisy)
    assert app.points("x", "seed", since=8) == [(0.55, 0), (0.55, 1), (0.55, 2), (0.55, 3)]


def test_a_confirmation_that_is_killed_goes_on(app: StudyApp) -> None:
    def killed(cfg: DictConfig) -> Any:
        if len(app.ran) == 6:
            raise KeyboardInterrupt
        return noisy(cfg)

    with pytest.raises(KeyboardInterrupt):
        app.sweep(*SEARCH, CONFIRM, task=killed)
    found = yaml.safe_load((FOLDER / "optimization_results.yaml").read_text())
    assert (found["best_trial"], found["confirm"]["repeats"]) == (1, {"ended": 2, "planned": 6})
    found = app.sweep(*SEARCH, CONFIRM, task=noisy)
    assert found["confirm"]["repeats"] == {"ended": 6, "planned": 6}
    ended = [Attempt(trial).params.get("seed") for trial in trials() if trial.state.name == "COMPLETE"]
    assert sorted(seed for seed in ended if seed) == [1, 1, 2, 2, 3, 3]


def test_one_that_fails_on_a_seed_is_not_confirmed(app: StudyApp) -> None:
    def fails(cfg: DictConfig) -> float:
        if cfg.seed == 2 and cfg.x == 0.31:
            raise ValueError("diverged")
        return noisy(cfg)

    found = app.sweep(*SEARCH, "hydra.sweeper.confirm={top:3,seeds:3}", task=fails)
    assert [(each["trial"], each["failed"]) for each in found["confirm"]["candidates"]] == [(1, 0), (2, 0), (0, 1)]
    assert found["best_trial"] == 1


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (("hydra.sweeper.confirm={top:2,key:rng}",), r"there is no rng: hydra.sweeper.confirm.key=NAME names another"),
        (("hydra.sweeper.confirm.top=2", "seed=range(0,9)"), r"confirm.key must not vary in the sweep.*; got seed"),
        (("hydra.sweeper.confirm.tops=2",), r"tops"),
    ],
    ids=["no such key", "swept", "misspelt"],
)
def test_what_cannot_be_confirmed_is_refused(app: StudyApp, typed: tuple[str, ...], message: str) -> None:
    with pytest.raises(Exception, match=message):
        app.sweep(X, *typed)
    assert not FOLDER.exists()
