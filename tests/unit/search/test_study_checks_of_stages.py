"""The checks of a sweep in stages: each stage by itself, and what is typed next for the whole sweep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from omegaconf import DictConfig
from study_app import StudyApp, study_app

X = ("x=interval(0,1)", "hydra.sweeper.seed=0")


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StudyApp]:
    with study_app(tmp_path, monkeypatch) as app:
        yield app


def stages(*sizes: int) -> str:
    """Two stages of so many trials, the second one narrowed to half of the range around the best."""
    wide, narrow = sizes
    return (
        f"hydra.sweeper.stages=[{{name: wide, n_trials: {wide}}}, {{name: narrow, n_trials: {narrow}, narrow: 0.25}}]"
    )


def more_is_better(cfg: DictConfig) -> float:
    return -float(cfg.x)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("check ")]


def test_each_stage_is_checked_and_the_last_one_is_shown(app: StudyApp, capsys: pytest.CaptureFixture[str]) -> None:
    found = app.sweep(*X, stages(18, 18), "hydra.sweeper.n_trials=36", task=more_is_better)
    assert [(check["stage"], check["override"]) for check in found["checks"]] == [
        ("wide", "x=interval(0.0,1.5)"),
        ("narrow", "x=interval(0.0,1.1)"),  # the upper bound that the narrow stage moves, the lower one of the sweep
    ]
    (line,) = lines(capsys)
    assert line.endswith("; next: 'x=interval(0.0,1.1)'")


def test_a_last_stage_of_few_trials_leaves_the_console_to_the_one_before(
    app: StudyApp, capsys: pytest.CaptureFixture[str]
) -> None:
    found = app.sweep(*X, stages(18, 3), "hydra.sweeper.n_trials=21", task=more_is_better)
    assert [check["stage"] for check in found["checks"]] == ["wide"]
    (line,) = lines(capsys)
    assert line.endswith("; next: 'x=interval(0.0,1.5)'")


def test_an_edge_that_a_stage_has_cut_itself_is_no_bound_to_type(app: StudyApp) -> None:
    def moved(cfg: DictConfig) -> float:
        """The optimum of the first stage is .5, that of the second one at the edge of what it has left."""
        return abs(cfg.x - 0.5) if len(app.ran) <= 18 else -float(cfg.x)

    found = app.sweep(*X, stages(18, 18), "hydra.sweeper.n_trials=36", task=moved)
    assert [(check["stage"], check["override"]) for check in found["checks"]] == [("narrow", None)]


def test_the_baseline_that_nothing_beats_is_named(app: StudyApp) -> None:
    def far_below(cfg: DictConfig) -> float:
        return 0.0 if len(app.ran) == 1 else 1.0 + cfg.x

    found = app.sweep("x=interval(0,1)", "hydra.sweeper.baseline=true", "hydra.sweeper.n_trials=8", task=far_below)
    assert [(check["name"], check["override"]) for check in found["checks"]] == [
        ("baseline_unbeaten", "hydra.sweeper.n_trials=16")
    ]
