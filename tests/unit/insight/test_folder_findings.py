"""The findings of a folder: result.yaml's, those of its folds, or what the rules say of its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tunesmith.insight.diagnosis.finding import Finding
from tunesmith.insight.folder_findings import findings_in, is_well_seen, of_folds, to_findings

DIVERGED = "epoch,train/loss,val/loss,lr\n1,0.9,0.8,0.1\n2,nan,nan,0.1\n"
HEALTHY = "epoch,train/loss,val/loss,lr\n1,0.9,0.8,0.1\n"
WHOLE = Finding(
    *("overfitting", "val/loss rises", {"rise": 0.4, "metric": "val/loss"}, "rise > .1", "measured"),
    *(("overfitting", "shift"), (("a=1", "b=2"), ("c=3",)), "look", False, "time"),
)


def names(folder: Path, result: Mapping[str, Any]) -> list[str] | None:
    found = findings_in(folder, result)
    return None if found is None else [finding.name for finding in found]


def test_what_is_written_is_read() -> None:
    assert to_findings([WHOLE.to_plain()]) == [WHOLE]


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        (None, None),
        ("overfitting", None),
        ([], []),
        ([3, {"name": 3}, {}], []),
        (
            [{"name": "shift", "text": 3, "evidence": [1], "remedies": "a=1", "one_of": 3, "advice": 2, "gains": None}],
            [Finding("shift", "")],
        ),
        (
            [{"name": "shift", "evidence": {"a": {}, "b": 1.5}, "remedies": ["a=1", ["b=1", 2], []]}],
            [Finding("shift", "", {"b": 1.5}, remedies=(("b=1",),))],
        ),
    ],
    ids=["nothing", "a text", "no findings", "none is one", "fields of other types", "parts of other types"],
)
def test_a_result_may_hold_anything(stored: object, found: list[Finding] | None) -> None:
    assert to_findings(stored) == found


def test_findings_of_a_result_are_taken_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text(DIVERGED)
    assert names(tmp_path, {"findings": [{"name": "shift"}]}) == ["shift"]
    assert names(tmp_path, {"findings": []}) == []
    assert names(tmp_path, {"findings": None}) is None


def test_a_folder_of_an_older_version_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text(DIVERGED)
    assert names(tmp_path, {"state": "FAIL"}) == ["diverged"]


def test_a_run_that_has_not_ended_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text(DIVERGED)
    assert names(tmp_path, {}) == ["diverged"]


def test_an_empty_folder_and_a_refit_are_not_looked_at(tmp_path: Path) -> None:
    assert names(tmp_path, {"state": "FAIL"}) is None
    (tmp_path / "metrics.csv").write_text(DIVERGED)
    assert names(tmp_path, {"state": "COMPLETE", "refit": {"epochs": 3}}) is None


def test_folds_of_an_older_version_are_looked_at_together(tmp_path: Path) -> None:
    for fold, metrics in enumerate((HEALTHY, DIVERGED)):
        (tmp_path / f"fold_{fold}").mkdir()
        (tmp_path / f"fold_{fold}" / "metrics.csv").write_text(metrics)
    assert names(tmp_path, {"folds": [0.8, 0.7]}) == ["diverged"]
    assert names(tmp_path, {"folds": [0.8]}) == []


def test_what_half_of_the_folds_have_is_the_runs_with_the_evidence_of_the_first_of_them() -> None:
    few = Finding("few_validation_samples", "few", is_caution=True)
    other = Finding("overfitting", "it rises more", {"rise": 0.9})
    rare = Finding("shift", "parts differ")
    found = of_folds([[few], [few, WHOLE], [rare, other], None, [few]])
    assert found is not None
    assert [(each.name, each.evidence.get("folds")) for each in found] == [
        ("overfitting", "2 of 4"),
        ("few_validation_samples", "3 of 4"),
    ]
    assert (found[0].text, found[0].evidence["rise"]) == ("val/loss rises", 0.4)


def test_folds_that_nobody_could_look_at_say_nothing() -> None:
    assert of_folds([None, None]) is None
    assert of_folds([[], None]) == []


def test_most_rules_can_look_at_a_run_of_which_a_fold_has_probes_and_the_loss_of_a_constant_answer(
    tmp_path: Path,
) -> None:
    (tmp_path / "fold_1").mkdir()
    (tmp_path / "fold_1" / "layers.csv").write_text("epoch,layer,grad_norm\n0,output,0.5\n")
    assert not is_well_seen(tmp_path)  # as of data or a learner of the user's own
    (tmp_path / "fold_1" / "data_facts.json").write_text('{"prior_loss": {"train": 2.3, "val": 2.3}}')
    assert is_well_seen(tmp_path)
