"""Studies of several objectives, and of constraints: what they refuse, and what a sweep leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import DictConfig, OmegaConf
from optuna.pruners import MedianPruner, NopPruner
from study_app import FOLDER, StudyApp, study_app, study_in_journal, trials

from tunesmith import report, report_metrics
from tunesmith.errors import UserError
from tunesmith.search.several_objectives import DEFAULT_PRUNER, check_sampler, choose_pruner

BOTH = ("minimize", "maximize")


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StudyApp]:
    with study_app(tmp_path, monkeypatch) as app:
        yield app


def node(target: str) -> DictConfig:
    return OmegaConf.create({"_target_": target})


def both(cfg: DictConfig) -> tuple[float, float]:
    report(cfg.x, 1)
    return cfg.x, cfg.x + cfg.y


def sized(cfg: DictConfig) -> float:
    report_metrics({"size": cfg.x})
    return float(cfg.x)


# what is refused


def test_a_pruner_that_nobody_chose_is_off() -> None:
    assert choose_pruner(node(DEFAULT_PRUNER), BOTH, ["hydra/sweeper=optuna"])._target_ == "optuna.pruners.NopPruner"
    none = node("optuna.pruners.NopPruner")
    assert choose_pruner(none, BOTH, ["hydra/sweeper/pruner=none"]) is none
    assert isinstance(choose_pruner(NopPruner(), BOTH), NopPruner)


def test_one_objective_keeps_its_pruner() -> None:
    pruner = node(DEFAULT_PRUNER)
    assert choose_pruner(pruner, "minimize", ["hydra/sweeper/pruner=median"]) is pruner


@pytest.mark.parametrize(
    ("pruner", "typed", "name"),
    [
        pytest.param(node(DEFAULT_PRUNER), ["hydra/sweeper/pruner=median"], "MedianPruner", id="typed"),
        pytest.param(node(DEFAULT_PRUNER), ["++hydra.sweeper.pruner.n_min_trials=1"], "MedianPruner", id="its key"),
        pytest.param(node("optuna.pruners.HyperbandPruner"), [], "HyperbandPruner", id="of a file"),
        pytest.param(MedianPruner(), [], "MedianPruner", id="an object"),
    ],
)
def test_a_pruner_that_was_chosen_is_refused(pruner: Any, typed: list[str], name: str) -> None:
    message = rf"^hydra/sweeper/pruner must be none with 2 objectives, .*; got {name}: add hydra/sweeper/pruner=none$"
    with pytest.raises(UserError, match=message):
        choose_pruner(pruner, BOTH, typed)


def test_a_sampler_of_one_objective_is_refused_wherever_it_stands() -> None:
    cmaes = node("optuna.samplers.CmaEsSampler")
    check_sampler(cmaes, "minimize")
    with pytest.raises(UserError, match=r"^hydra\.sweeper\.sampler must be a sampler for 2 .*; got CmaEsSampler$"):
        check_sampler(cmaes, BOTH)
    inside = OmegaConf.create({"_target_": "optuna.samplers.QMCSampler", "independent_sampler": cmaes})
    with pytest.raises(UserError, match=r"^hydra\.sweeper\.sampler\.independent_sampler must be a sampler for 2 "):
        check_sampler(inside, BOTH)


@pytest.mark.parametrize("sampler", ["tpe", "nsgaii", "random", "qmc", "bruteforce", "grid"])
def test_every_other_sampler_takes_several(app: StudyApp, sampler: str) -> None:
    space = "x=range(0,3)" if sampler in ("bruteforce", "grid") else "x=interval(0,3)"
    typed = (space, f"hydra/sweeper/sampler={sampler}", "hydra.sweeper.direction=[minimize,maximize]")
    found = app.sweep(*typed, "hydra.sweeper.n_trials=4", task=both)
    assert (found["trials"]["complete"], len(found["solutions"])) == (4, 4)


@pytest.mark.parametrize("key", ["target=0.5", "no_improvement=3", "confirm.top=2", "stages=[{n_trials: 2}]"])
def test_what_builds_on_the_best_trial_is_refused(app: StudyApp, key: str) -> None:
    name = key.partition("=")[0].partition(".")[0]
    with pytest.raises(UserError, match=rf"^hydra\.sweeper\.{name} must be left out with 2 objectives, as no trial is"):
        app.sweep("x=0,1", "hydra.sweeper.direction=[minimize,maximize]", f"hydra.sweeper.{key}", task=both)
    assert not FOLDER.exists()


# what a sweep leaves


def test_the_front_takes_the_place_of_the_best_trial(app: StudyApp) -> None:
    typed = ("x=0,1,2", "y=0,5", "hydra.sweeper.direction=[minimize,max]")
    found = app.sweep(*typed, task=both)
    assert found["directions"] == ["minimize", "maximize"]
    assert [(each["params"], each["values"], each["trial"], each["dir"]) for each in found["solutions"]] == [
        ({"x": x, "y": 5}, [float(x), float(x + 5)], number, str(number)) for x, number in ((0, 1), (1, 3), (2, 5))
    ]
    assert [found[key] for key in ("best_trial", "best_value", "best_params", "best_dir", "test")] == [None] * 5
    assert yaml.safe_load((FOLDER / "optimization_results.yaml").read_text()) == found
    assert not (FOLDER / "best.yaml").exists()
    assert [trial.intermediate_values for trial in trials()] == [{1: float(x)} for x in (0, 0, 1, 1, 2, 2)]


def test_a_study_of_several_objectives_goes_on(app: StudyApp) -> None:
    typed = ("x=interval(0,1)", "hydra.sweeper.direction=[minimize,maximize]")
    app.sweep(*typed, "hydra.sweeper.n_trials=3", task=both)
    found = app.sweep(*typed, "hydra.sweeper.n_trials=5", task=both)
    assert found["trials"]["complete"] == len(app.ran) == 5
    with pytest.raises(UserError, match=r"^objective\.mode must stay minimize, maximize in study s; got maximize; or"):
        app.sweep("x=interval(0,1)", "hydra.sweeper.direction=maximize")


def test_a_job_that_returns_one_number_fails(app: StudyApp) -> None:
    with pytest.raises(UserError, match=r"^all 2 trials failed, .* must return 2 numbers, one for each objective; "):
        app.sweep("x=0,1", "hydra.sweeper.direction=[minimize,maximize]")


def test_several_objectives_say_that_nothing_is_pruned(app: StudyApp, capsys: pytest.CaptureFixture[str]) -> None:
    app.sweep("x=0,1", "hydra.sweeper.direction=[minimize,maximize]", task=both)
    assert "no trial is pruned: pruning compares the values of one objective, and this study has 2\n" in (
        capsys.readouterr().out
    )


def test_the_best_trial_keeps_the_constraints(app: StudyApp) -> None:
    constraint = "hydra.sweeper.constraints={size: '>= 2'}"
    found = app.sweep("x=0,1,2,3", constraint, task=sized)
    assert (found["best_value"], found["infeasible"]) == (2.0, 2)
    assert [trial.constraints for trial in study_in_journal().trials] == [{"size >= 2": 2.0 - x} for x in range(4)]
    with pytest.raises(UserError, match=r"^hydra\.sweeper\.constraints must stay size >= 2 in study s; got size >= 1;"):
        app.sweep("x=0,1,2,3", "hydra.sweeper.constraints={size: '>= 1'}", task=sized)


def test_the_front_keeps_the_constraints(app: StudyApp) -> None:
    typed = ("x=0,1,2", "hydra.sweeper.direction=[minimize,maximize]", "hydra.sweeper.constraints={size: '< 2'}")

    def both_sized(cfg: DictConfig) -> tuple[float, float]:
        report_metrics({"size": cfg.x})
        return both(cfg)

    assert [each["params"] for each in app.sweep(*typed, task=both_sized)["solutions"]] == [{"x": 0}, {"x": 1}]


def test_a_metric_that_no_run_says_ends_the_sweep_at_its_first_trial(app: StudyApp) -> None:
    with pytest.raises(UserError, match=r"^hydra\.sweeper\.constraints\.sice must be a metric of each run; did you "):
        app.sweep("x=0,1", "hydra.sweeper.constraints={sice: '< 2'}", task=sized)
    assert len(app.ran) == 1
    assert not FOLDER.exists()
