"""The test metrics of the best trial or of its refit: read once, and written to the results."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from tunesmith.run_folder import read_yaml, write_yaml
from tunesmith.search.best_test import evaluated_folder, read_test, write_test


def test_the_number_of_samples_is_no_metric(tmp_path: Path) -> None:
    write_yaml(tmp_path / "test.yaml", {"test/acc": 0.9, "samples": 360, "loss_se": 0.01})
    assert read_test(tmp_path) == {"test/acc": 0.9}


def test_what_was_not_evaluated_has_none(tmp_path: Path) -> None:
    assert read_test(tmp_path) is None


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"refit": True}, "3/refit"),
        ({"refit": False}, "3"),
        ({}, "3"),
        ({"refit": {"of": "another app"}}, "3"),
    ],
    ids=str,
)
def test_a_refit_is_evaluated_in_place_of_its_trial(config: dict[str, object], expected: str) -> None:
    assert str(evaluated_folder(Path("3"), OmegaConf.create(config))) == expected


def test_metrics_are_added_to_the_results(tmp_path: Path) -> None:
    written = write_test(tmp_path, {"best_trial": 3}, tmp_path / "3", {"test/acc": 0.9})
    assert written == {"best_trial": 3, "test": {"test/acc": 0.9}}
    assert read_yaml(tmp_path / "optimization_results.yaml") == written


def test_a_refits_metrics_name_its_folder_and_its_epochs(tmp_path: Path) -> None:
    (tmp_path / "3" / "refit").mkdir(parents=True)
    write_yaml(tmp_path / "3" / "refit" / "result.yaml", {"epochs": 12})
    written = write_test(tmp_path, {}, tmp_path / "3" / "refit", {"test/acc": 0.9})
    assert written["refit"] == {"folder": "3/refit", "epochs": 12}
