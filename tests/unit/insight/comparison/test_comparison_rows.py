"""The rows of a comparison, of results that may hold anything."""

from __future__ import annotations

import pytest

from tunesmith.insight.comparison.rows import noise_line, row_of_study
from tunesmith.insight.pages.study_facts import StudyFacts, TrialFacts

RESULTS = {
    "trials": {"complete": 3, "pruned": 2, "failed": 1, "lost": 4},
    "epochs": {"run": 50, "saved": 9},
    "seconds": 12.4,
    "best_value": 0.25,
    "test": {"test/acc": 0.5, "samples": 10},
}


def test_a_study_whose_trials_are_gone_is_told_by_its_results() -> None:
    row = row_of_study(StudyFacts("s", "val/loss", results=RESULTS))
    assert [row[name] for name in ("trials", "epochs", "seconds", "value")] == ["6", "50", "12", "0.25"]
    assert (row["test/acc"], "samples" in row) == ("0.5", False)


@pytest.mark.parametrize("value", ["a text", None, [1], {"a": "b"}], ids=["text", "null", "list", "dict"])
def test_results_of_other_types_count_nothing(value: object) -> None:
    row = row_of_study(StudyFacts("s", results=dict.fromkeys(RESULTS, value)))
    assert [row[name] for name in ("trials", "epochs", "seconds", "value")] == ["0", "0", "0", "none"]


def test_trials_that_are_there_are_counted_themselves() -> None:
    trials = [TrialFacts(0, "complete", 0.5, epochs=5, seconds=2.0), TrialFacts(1, "running", epochs=3)]
    row = row_of_study(StudyFacts("s", trials=trials, results=RESULTS))
    assert [row[name] for name in ("state", "trials", "epochs", "seconds", "value")] == [
        "RUNNING",
        "1",
        "5",
        "2",
        "0.5",
    ]


def test_an_accuracy_has_the_standard_error_that_its_evaluation_found() -> None:
    test = {"test/acc": 0.9, "samples": 100, "acc_se": 0.03}
    assert noise_line(test) == "one standard error of an accuracy of 0.900 on 100 samples is 0.0300"
    assert noise_line({"test/loss": 0.9, "samples": 100}) is None
