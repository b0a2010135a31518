"""What a run's files say of it as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.run_folder import RESULT_FILE, MetricsTable, fold_name, write_yaml
from tunesmith.run_metrics import read_run_metrics


def run(folder: Path, *losses: float, best: int, **fields: object) -> dict[str, object]:
    """Leave a run with a loss an epoch; return what its result.yaml says."""
    folder.mkdir(exist_ok=True)
    table = MetricsTable(folder, keep_epochs=0)
    for epoch, loss in enumerate(losses, start=1):
        table.append(epoch, {"val/loss": loss, "lr": 0.1 * epoch})
    result = {"epoch": best, "epochs": len(losses), "seconds": 3.0, "parameters": 26, **fields}
    write_yaml(folder / RESULT_FILE, result)
    return result


def test_they_are_those_of_the_best_epoch_and_of_the_run(tmp_path: Path) -> None:
    result = run(tmp_path, 3.0, 1.0, 2.0, best=2)
    expected = {"val/loss": 1.0, "lr": 0.2, "parameters": 26, "seconds_per_epoch": 1.0}
    assert read_run_metrics(tmp_path, result) == pytest.approx(expected)


def test_of_folds_they_are_the_means(tmp_path: Path) -> None:
    run(tmp_path / fold_name(0), 3.0, best=1)
    run(tmp_path / fold_name(1), 4.0, 2.0, 6.0, best=2)
    metrics = read_run_metrics(tmp_path, {"folds": [3.0, 2.0]})
    assert metrics == pytest.approx({"val/loss": 2.5, "lr": 0.15, "parameters": 26, "seconds_per_epoch": 2.0})


def test_a_run_of_an_earlier_version_has_no_number_of_parameters(tmp_path: Path) -> None:
    result = run(tmp_path, 3.0, best=1, parameters=None)
    assert "parameters" not in read_run_metrics(tmp_path, result)


def test_of_several_validations_in_an_epoch_the_best_one_counts(tmp_path: Path) -> None:
    table = MetricsTable(tmp_path, keep_epochs=0)
    for step, loss in ((10, 2.0), (20, 1.0), (30, 3.0)):
        table.append(1, {"val/loss": loss}, step)
    result = {"epoch": 1, "step": 20, "epochs": 1, "seconds": 2.0}
    assert read_run_metrics(tmp_path, result) == {"val/loss": 1.0, "seconds_per_epoch": 2.0}
