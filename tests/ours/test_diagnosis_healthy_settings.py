"""scripts/diagnosis_evidence/healthy.py: which settings are healthy in fact."""

from __future__ import annotations

import sys
from math import inf

import pytest
from conftest import ROOT

sys.path.append(str(ROOT / "scripts" / "diagnosis_evidence"))
from healthy import DEV, HELDOUT, Measured, jobs, near_best

SE = 0.01


def measured(setting: str, *errors: float, measure: str = "error", data: str = "digits") -> list[Measured]:
    return [Measured(setting, data, measure, error, SE) for error in errors]


def test_a_setting_within_two_standard_errors_of_the_best_is_healthy() -> None:
    runs = [*measured("best", 0.02), *measured("tied", 0.039), *measured("worse", 0.041)]

    assert near_best(runs) == {("best", "digits"), ("tied", "digits")}


def test_seeds_that_differ_widen_what_chance_explains() -> None:
    assert near_best([*measured("best", 0.02, 0.02), *measured("wide", 0.01, 0.09)]) == {
        ("best", "digits"),
        ("wide", "digits"),
    }


def test_a_setting_must_be_near_the_best_in_each_measure() -> None:
    runs = [
        *measured("best", 0.02),
        *measured("unsure", 0.02),
        *measured("best", 0.1, measure="loss"),
        *measured("unsure", 0.3, measure="loss"),
    ]

    assert near_best(runs) == {("best", "digits")}


def test_each_data_set_has_a_best_setting_of_its_own() -> None:
    runs = [*measured("default", 0.02), *measured("default", 0.4, data="wine")]

    assert near_best(runs) == {("default", "digits"), ("default", "wine")}


@pytest.mark.parametrize("errors", [(inf,), (0.02, inf)], ids=["one", "one of two"])
def test_a_setting_that_failed_with_a_seed_is_not_healthy(errors: tuple[float, ...]) -> None:
    assert near_best([*measured("best", 0.02), *measured("diverged", *errors)]) == {("best", "digits")}


@pytest.mark.parametrize("group", [DEV, HELDOUT])
def test_no_two_healthy_runs_share_a_folder(group: str) -> None:
    folders = [job.folder(ROOT) for job in jobs(group)]

    assert len(set(folders)) == len(folders) > 250


def test_thresholds_are_set_on_other_data_sets_than_they_are_judged_on() -> None:
    assert not {job.set for job in jobs(DEV)} & {job.set for job in jobs(HELDOUT)}
