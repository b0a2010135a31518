"""The lines about the test part: each metric with its standard error, the calibration, where the report lies."""

from __future__ import annotations

import math
from pathlib import Path

from tunesmith.insight.evaluation_rows import chance_rows, evaluation_rows, standard_error
from tunesmith.run_folder import write_yaml

CLASSES = {"test/loss": 0.08185, "test/acc": 0.9778, "samples": 360, "loss_se": 0.0171, "acc_se": 0.0078, "ece": 0.0131}


def test_an_evaluation_shows_each_metric_with_its_standard_error(tmp_path: Path) -> None:
    write_yaml(tmp_path / "test.yaml", {**CLASSES, "test/f1": 0.97})
    (tmp_path / "test_report.txt").touch()
    assert list(evaluation_rows(tmp_path)) == [
        ("test/loss", "0.08185 +- 0.017"),
        ("test/acc", "0.9778 +- 0.0078"),
        ("test/f1", "0.97"),
        ("samples", "360 (+- is one standard error)"),
        ("calibration", "ece 0.013 (expected calibration error, 15 equal bins of confidence)"),
        ("per class", f"{tmp_path}/test_report.txt"),
        ("written to", f"{tmp_path}/test.yaml"),
    ]


def test_metrics_of_a_learner_of_ones_own_stand_alone(tmp_path: Path) -> None:
    write_yaml(tmp_path / "test.yaml", {"test_loss": 0.5})
    assert [label for label, _ in evaluation_rows(tmp_path)] == ["test_loss", "written to"]


def test_a_sweep_shows_what_chance_does_to_the_metrics_that_it_has_shown(tmp_path: Path) -> None:
    write_yaml(tmp_path / "test.yaml", CLASSES)
    assert list(chance_rows(tmp_path)) == [
        ("test +-", "test/loss 0.017  test/acc 0.0078  (one standard error, 360 samples)"),
        ("calibration", "ece 0.013 (expected calibration error, 15 equal bins of confidence)"),
    ]


def test_a_file_that_is_not_there_or_holds_other_things_shows_nothing(tmp_path: Path) -> None:
    assert list(chance_rows(tmp_path)) == []
    write_yaml(tmp_path / "test.yaml", {"test/acc": "high", "acc_se": [1], "ece": "low"})
    assert list(chance_rows(tmp_path)) == []


def test_an_accuracy_of_an_older_evaluation_has_the_error_of_a_share_of_its_samples() -> None:
    share = (0.9 * 100 + 2) / 104  # Agresti and Coull 1998
    assert standard_error({"test/acc": 0.9, "samples": 100}, "test/acc") == math.sqrt(share * (1 - share) / 100)
    assert standard_error({"test/acc": 0.9}, "test/acc") is None


def test_the_error_of_a_metric_is_not_that_of_another_one_with_a_similar_name() -> None:
    assert standard_error({"test/top5/acc": 0.9, "acc_se": 0.01}, "test/top5/acc") is None
