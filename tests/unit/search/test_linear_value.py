"""A linear model is fitted once for a best trial; what goes wrong with it costs the comparison alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf
from studies import asked, opened, settings_of

from tunesmith.run_folder import read_yaml, write_yaml
from tunesmith.search.linear_value import linear_value
from tunesmith.search.space.space import parse_space
from tunesmith.search.study_checks import write_checks

FOUND: dict[str, Any] = {"best_trial": 5, "best_dir": "5", "best_host": None, "best_value": 0.0, "test": None}
CONFIG = OmegaConf.create({"x": 1})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "5").mkdir()
    write_yaml(tmp_path / "5" / "result.yaml", {"metric": "val/acc"})
    return tmp_path


def value(folder: Path, fit: Callable[[DictConfig], Mapping[str, Any]] | None) -> float | None:
    return linear_value(settings_of(direction="maximize", linear_model=fit), folder, FOUND, CONFIG)


def test_it_is_the_metric_of_the_study_and_kept(folder: Path) -> None:
    assert value(folder, lambda config: {"val/loss": 0.1, "val/acc": 0.9 * config.x}) == 0.9
    assert read_yaml(folder / "5" / "linear.yaml") == {"val/loss": 0.1, "val/acc": 0.9}
    assert value(folder, lambda config: {"val/acc": 0.5}) == 0.9


@pytest.mark.parametrize("metrics", [{}, {"val/loss": 0.1}, {"val/acc": float("nan")}, {"val/acc": "0.9"}])
def test_a_metric_that_it_does_not_have_is_not_compared(folder: Path, metrics: dict[str, Any]) -> None:
    assert value(folder, lambda config: metrics) is None


def test_null_turns_it_off(folder: Path) -> None:
    assert value(folder, None) is None


def test_an_error_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fit(config: DictConfig) -> dict[str, float]:
        raise ValueError("one class only")

    assert value(folder, fit) is None
    assert capsys.readouterr().out.startswith("the best trial is not compared with a linear model: ValueError: one cl")
    assert not (folder / "5" / "linear.yaml").exists()


@pytest.mark.parametrize(("num", "expected"), [(5, []), (6, ["baseline_unbeaten"])])
def test_a_study_of_six_complete_trials_is_compared(folder: Path, num: int, expected: list[str]) -> None:
    space = parse_space({}, ["x=interval(0,1)"])
    study = opened(space=space)
    for _ in range(num):
        trial = asked(study)
        study.tell(trial, trial.suggest_float("x", 0, 1))
    settings = settings_of(direction="minimize", linear_model=lambda config: {"val/acc": -1.0})
    found = {**FOUND, "best_trial": num - 1}
    _, findings = write_checks(study, settings, space, folder, found, CONFIG)
    assert [finding.name for finding in findings] == expected
    assert (folder / "5" / "linear.yaml").exists() == bool(expected)
