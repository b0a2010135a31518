"""The accuracy of the best trial on both parts, and how far chance moves it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from tunesmith.run_folder import write_yaml
from tunesmith.search.measured_noise import noise_of_score, score_of

FOUND: dict[str, Any] = {"best_dir": "7", "best_host": None, "best_value": 0.95, "test": {"test/acc": 0.9}}
DATA = {"val_fraction": 0.1, "test_fraction": 0.2, "folds": None}


def best(folder: Path, metric: str = "val/loss", **test: Any) -> Path:
    """Write what the best trial left: epoch 2 is the best of two."""
    trial = folder / "7"
    trial.mkdir()
    write_yaml(trial / "result.yaml", {"metric": metric, "epoch": 2})
    write_yaml(trial / "test.yaml", {"test/acc": 0.9, "samples": 400, **test})
    (trial / "metrics.csv").write_text("epoch,val/loss,val/acc\n1,0.5,0.8\n2,0.4,0.92\n")
    return folder


def standard_error(share: float, num: int) -> float:
    adjusted = (share * num + 2) / (num + 4)
    return math.sqrt(adjusted * (1 - adjusted) / num)


@pytest.mark.parametrize(("folds", "num"), [(None, 200), (5, 1600)], ids=["one split", "folds"])
def test_the_accuracy_at_the_best_epoch_is_compared_with_the_test_parts(
    tmp_path: Path, folds: int | None, num: int
) -> None:
    score = score_of(best(tmp_path), FOUND, OmegaConf.create({"data": {**DATA, "folds": folds}}))
    assert score is not None
    assert (score.validation, score.test) == (0.92, 0.9)
    assert score.validation_se == pytest.approx(standard_error(0.92, num))
    assert score.test_se == pytest.approx(standard_error(0.9, 400))


def test_an_accuracy_that_is_the_objective_is_the_value_and_has_its_noise(tmp_path: Path) -> None:
    folder = best(tmp_path, metric="val/acc")
    score = score_of(folder, FOUND, OmegaConf.create({"data": DATA}))
    assert score is not None
    assert score.validation == 0.95
    assert noise_of_score(folder, FOUND, score) == score.validation_se


def test_a_loss_has_no_noise_that_is_known(tmp_path: Path) -> None:
    folder = best(tmp_path)
    assert noise_of_score(folder, FOUND, score_of(folder, FOUND, OmegaConf.create({"data": DATA}))) is None


@pytest.mark.parametrize(
    ("changes", "data"),
    [({"test": None}, DATA), ({"test": {"test/mse": 0.5}}, DATA), ({}, {**DATA, "test_fraction": None}), ({}, None)],
    ids=["not evaluated", "a regression", "a test part of its own", "other data"],
)
def test_without_an_accuracy_or_sizes_there_is_no_score(tmp_path: Path, changes: Any, data: Any) -> None:
    assert score_of(best(tmp_path), {**FOUND, **changes}, OmegaConf.create({"data": data})) is None


def test_a_best_trial_elsewhere_has_no_score(tmp_path: Path) -> None:
    assert score_of(tmp_path, FOUND, OmegaConf.create({"data": DATA})) is None


def test_without_an_accuracy_the_loss_is_compared_by_the_error_that_the_evaluation_found(tmp_path: Path) -> None:
    folder = best(tmp_path, loss_se=0.02)
    found = {**FOUND, "best_value": 0.4, "test": {"test/loss": 0.5, "test/rmse": 0.7}}
    score = score_of(folder, found, OmegaConf.create({"data": DATA}))
    assert score is not None
    assert (score.name, score.validation, score.test, score.is_higher_better) == ("loss", 0.4, 0.5, False)
    assert (score.validation_se, score.test_se) == (pytest.approx(0.02 * math.sqrt(2)), 0.02)
    assert noise_of_score(folder, found, score) is None


@pytest.mark.parametrize("facts", [{}, {"loss_se": math.nan}, {"loss_se": "0.02"}])
def test_a_loss_of_unknown_error_is_not_compared(tmp_path: Path, facts: dict[str, Any]) -> None:
    found = {**FOUND, "test": {"test/loss": 0.5}}
    assert score_of(best(tmp_path, **facts), found, OmegaConf.create({"data": DATA})) is None
