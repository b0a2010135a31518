"""What the official Optuna plugin documents, run by ours: configs as written for it, in an app that knows neither."""

from __future__ import annotations

import csv
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from conftest import Ended, Shell
from hydra.test_utils.test_utils import TSweepRunner
from hydra.version import VersionBase
from hydra_app import root_logger_kept
from packaging.version import Version

APP = """
import hydra

def narrow(config, trial):
    "A parameter that depends on another one, in some of the trials, and one that the config has not."
    if trial.params["x"] > 0:
        trial.suggest_float("z", trial.params["x"] - config.margin, trial.params["x"] + config.margin)
    trial.suggest_float("+w", 0.0, 1.0)

@hydra.main(version_base=None, config_path=".", config_name="bowl")
def bowl(config):
    if config.error:
        raise RuntimeError("asked to fail")
    return config.x**2 + config.y**2

if __name__ == "__main__":
    bowl()
"""

CONFIG = """
    defaults:
      - override hydra/sweeper: optuna
      - override hydra/sweeper/sampler: tpe
    hydra:
      sweeper:
        sampler:
          seed: 123
        direction: minimize
        study_name: sphere
        storage: null
        n_trials: 20
        n_jobs: 1
        max_failure_rate: 0.0
        params:
          x: range(-5.5,5.5,step=0.5)
          y: choice(-5,0,5)
    x: 1
    y: 1
    z: 100
    margin: 0.5
    error: false
"""
# Everything that the official plugin has in its sampler's config.
TPE_AS_THERE = {
    "_target_": "optuna.samplers.TPESampler",
    "seed": 123,
    "consider_prior": True,
    "prior_weight": 1.0,
    "consider_magic_clip": True,
    "consider_endpoints": False,
    "n_startup_trials": 10,
    "n_ei_candidates": 24,
    "multivariate": False,
    "warn_independent_sampling": True,
}


@pytest.fixture(autouse=True)
def _app(shell: Shell) -> None:
    (shell.folder / "bowl.py").write_text(APP)
    (shell.folder / "bowl.yaml").write_text(dedent(CONFIG))


def sweep(shell: Shell, *arguments: str) -> Ended:
    return shell.python("bowl.py", "-m", *arguments)


def folder(shell: Shell) -> Path:
    """The one that Hydra gives a sweep by default."""
    (found,) = (shell.folder / "multirun").glob("*/*")
    return found


def rows(shell: Shell) -> list[dict[str, Any]]:
    """A dictionary a trial, numbers as numbers."""
    with (folder(shell) / "trials.csv").open() as file:
        return [{key: yaml.safe_load(text) for key, text in row.items()} for row in csv.DictReader(file)]


def test_an_example_as_it_stands_with_every_key_spelled_out(shell: Shell) -> None:
    config = yaml.safe_load(CONFIG)
    config["hydra"]["sweeper"] |= {"sampler": TPE_AS_THERE, "search_space": None, "custom_search_space": None}
    (shell.folder / "bowl.yaml").write_text(yaml.safe_dump(config))
    ended = sweep(shell)
    assert (ended.code, ended.err) == (0, "")
    results = yaml.safe_load((folder(shell) / "optimization_results.yaml").read_text())
    trials = rows(shell)
    best = min(trials, key=lambda row: row["value"])
    assert results["name"] == "optuna"
    assert results["best_value"] == best["value"]
    assert results["best_params"] == {key: best[key] for key in ("x", "y")}
    assert len(trials) == 20
    assert all(abs(row["x"]) <= 5.5 and row["x"] % 0.5 == 0 and row["y"] in (-5, 0, 5) for row in trials)
    assert all((folder(shell) / str(number) / ".hydra" / "config.yaml").exists() for number in range(20))


def test_sweeps_of_the_command_line_in_two_workers(shell: Shell) -> None:
    ended = sweep(
        shell,
        "x=interval(-5, 5)",
        "y=tag(log, interval(1, 10))",
        "z=int(interval(-5.0, 5.0))",
        "margin=shuffle(range(-5, 5))",
        "+t=range(-5.0, 5.0)",
        "+u=choice(-5.0, 0.0, 5.0)",
        "+v=tag(log, int(interval(1, 100)))",
        "hydra/sweeper/sampler=random",
        "hydra/launcher=joblib",
        "hydra.sweeper.n_jobs=2",
        "hydra.sweeper.n_trials=6",
    )
    assert (ended.code, ended.err) == (0, "")
    trials = rows(shell)
    assert len(trials) == 6
    assert all(row["value"] == pytest.approx(row["x"] ** 2 + row["y"] ** 2) for row in trials)
    assert all(1 <= row["y"] <= 10 and row["+u"] in (-5.0, 0.0, 5.0) for row in trials)
    kinds = {key: {type(row[key]) for row in trials} for key in ("x", "y", "z", "margin", "+t", "+u", "+v")}
    assert {key for key, types in kinds.items() if types == {float}} == {"x", "y", "+t", "+u"}
    assert {key for key, types in kinds.items() if types == {int}} == {"z", "margin", "+v"}


def test_a_custom_search_space_with_a_condition(shell: Shell) -> None:
    ended = sweep(
        shell,
        "margin=0.3",
        "hydra/sweeper/sampler=nsgaii",
        "hydra.sweeper.sampler.population_size=5",
        "hydra.sweeper.custom_search_space=bowl.narrow",
    )
    assert (ended.code, ended.err) == (0, "")
    trials = rows(shell)
    assert all(0 <= row["+w"] <= 1 for row in trials)
    assert all(row["z"] is None or abs(row["z"] - row["x"]) <= 0.3 for row in trials)
    assert {row["z"] is None for row in trials} == {True, False}
    assert all((row["z"] is None) == (row["x"] <= 0) for row in trials)


MULTI = """
import hydra

@hydra.main(version_base=None, config_path=".", config_name="multi")
def binh_and_korn(cfg):
    return 4 * cfg.x**2 + 4 * cfg.y**2, (cfg.x - 5) ** 2 + (cfg.y - 5) ** 2

if __name__ == "__main__":
    binh_and_korn()
"""
MULTI_CONFIG = """
    defaults:
      - override hydra/sweeper: optuna
      - override hydra/sweeper/sampler: nsgaii
    hydra:
      sweeper:
        sampler:
          seed: 123
        direction: [minimize, minimize]
        study_name: multi-objective
        storage: null
        n_trials: 20
        n_jobs: 1
        max_failure_rate: 0.0
        params:
          x: range(0, 5, step=0.5)
          y: range(0, 3, step=0.5)
    x: 1
    y: 1
"""


def test_the_multi_objective_example_as_it_stands(shell: Shell) -> None:
    (shell.folder / "multi.py").write_text(MULTI)
    (shell.folder / "multi.yaml").write_text(dedent(MULTI_CONFIG))
    ended = shell.python("multi.py", "-m", "x=range(0,5)", "y=range(0,3)")
    assert (ended.code, ended.err) == (0, "")
    results = yaml.safe_load((folder(shell) / "optimization_results.yaml").read_text())
    points = [solution["values"] for solution in results["solutions"]]
    assert results["name"] == "optuna"
    assert all(solution["params"][key] % 1 == 0 for solution in results["solutions"] for key in ("x", "y"))
    assert not any(a != b and a[0] <= b[0] and a[1] <= b[1] for a in points for b in points)
    assert [len(rows(shell)), "value_1" in rows(shell)[0]] == [20, True]


def test_a_sweep_that_python_began_runs_in_this_process(
    hydra_sweep_runner: TSweepRunner,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the official plugin's own test begins it: of a config without a folder for sweeps."""
    monkeypatch.setattr(VersionBase.instance(), "version_base", Version("1.3"))  # whatever other tests have left
    keys = ("hydra/sweeper=optuna", "hydra/launcher=basic", "hydra.sweeper.n_trials=8", "hydra.sweeper.n_jobs=3")
    name = {"config_path": "configs", "config_name": "compose.yaml", "calling_module": "hydra.test_utils.a_module"}
    temp_dir = tmp_path / "sweep"
    runner = hydra_sweep_runner(**name, calling_file=None, task_function=None, overrides=[*keys], temp_dir=temp_dir)
    with root_logger_kept(), runner:  # Hydra leaves the handlers of the last job's log
        results = yaml.safe_load((temp_dir / "optimization_results.yaml").read_text())
        assert (results["best_value"], results["trials"]["complete"]) == (100, 1)
    assert "one worker instead of 3: a command line begins workers, and Python" in capsys.readouterr().out


def test_the_grid_has_both_ends(shell: Shell) -> None:
    ended = sweep(shell, "hydra/sweeper/sampler=grid", "x=range(-1,1)", "y=choice(-5,0)")
    assert (ended.code, ended.err) == (0, "")
    assert [(row["x"], row["y"]) for row in rows(shell)] == [(x, y) for x in (-1, 0, 1) for y in (-5, 0)]


def test_cmaes_with_the_keys_of_its_official_config(shell: Shell) -> None:
    ended = sweep(
        shell,
        "hydra/sweeper/sampler=cmaes",
        "+hydra.sweeper.sampler={x0: null, sigma0: null, independent_sampler: null, warn_independent_sampling: true}",
        "+hydra.sweeper.sampler={restart_strategy: null, inc_popsize: 2, source_trials: null}",
        "x=interval(-5,5)",
        "y=interval(-5,5)",
        "hydra.sweeper.n_trials=4",
    )
    assert (ended.code, ended.err) == (0, "")
    assert len({row["x"] for row in rows(shell)}) == 4


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (
            "hydra.sweeper.direction=[minimize,up]",
            "hydra.sweeper.direction must be a list, each one of minimize, maximize, min, max; got ['minimize', 'up']",
        ),
        (
            "+hydra.sweeper.search_space={x: {type: float, low: -5, high: 5, step: 0.5}}",
            "hydra.sweeper.search_space is an old name: write hydra.sweeper.params: {x: range(-5, 5, 0.5)}",
        ),
        (
            "hydra.sweeper.custom_search_space=.bowl.narrow",
            "hydra.sweeper.custom_search_space must be the path of a function; got '.bowl.narrow'",
        ),
        (
            "hydra/sweeper/sampler=motpe",
            "In 'hydra/sweeper/tunesmith': Could not find 'hydra/sweeper/sampler/motpe'",
        ),
    ],
    ids=["a direction", "search_space", "a dot in front", "motpe"],
)
def test_what_is_gone_is_refused_in_a_line_before_anything_is_written(shell: Shell, typed: str, line: str) -> None:
    ended = sweep(shell, typed)
    assert ended.code == 1
    assert ended.err.splitlines()[0] == line
    assert "Traceback" not in ended.err
    assert not (shell.folder / "multirun").exists()


def test_a_typed_value_is_not_overwritten_by_the_custom_search_space(shell: Shell) -> None:
    ended = sweep(shell, "+w=0.5", "hydra.sweeper.custom_search_space=bowl.narrow")
    assert ended.code == 1
    assert ended.err.startswith("+w=0.5: hydra.sweeper.custom_search_space suggests +w too; give one of them\n")
    assert not list((shell.folder / "multirun").glob("*/*"))


def test_failures_are_a_rate_from_the_fifth_trial_on(shell: Shell) -> None:
    ended = sweep(shell, "error=true")
    assert ended.code == 1
    reason = "5 of 5 trials failed; the last one with: RuntimeError: asked to fail; trials.csv has the reasons"
    assert f"hydra.sweeper.max_failure_rate=0.0 is exceeded: {reason}" in ended.err
    assert [row["state"] for row in rows(shell)] == ["FAIL"] * 5
    assert "RuntimeError: asked to fail" in (folder(shell) / "trials.csv").read_text()
    assert "RuntimeError: asked to fail" in (folder(shell) / "0" / "bowl.log").read_text()
