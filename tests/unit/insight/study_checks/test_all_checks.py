"""All checks together: they keep still in healthy studies, find what is planted, and do not contradict each other."""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from checked import complete, drawn, failed, lr_at, names
from conftest import ROOT

from tunesmith.insight.study_checks.all_checks import check_study
from tunesmith.insight.study_checks.trials import CheckedStudy

sys.path.append(str(ROOT / "scripts" / "search_evidence"))

from simulated_studies import healthy, planted, simulate


def simulated(fault: str | None, num_trials: int, seed: int, draws: str = "random") -> CheckedStudy:
    rng = np.random.default_rng(seed)
    truth = healthy(rng) if fault is None else planted(fault, rng)
    return simulate(truth, num_trials, draws, fault == "pruner_kills_late_bloomers", rng)


@pytest.mark.parametrize("draws", ["random", "tpe-like"])
def test_healthy_studies_have_few_alarms(draws: str) -> None:
    alarmed = [seed for seed in range(15) if check_study(simulated(None, 60, seed, draws))]
    assert len(alarmed) <= 1


@pytest.mark.parametrize("fault", ["edge_of_range", "failures_cluster", "pruner_kills_late_bloomers"])
def test_what_is_planted_is_found(fault: str) -> None:
    found = [fault in names(check_study(simulated(fault, 100, seed))) for seed in range(8)]
    assert sum(found) >= 6


def test_a_small_study_is_asked_for_failures_baseline_and_ties_alone() -> None:
    study = drawn(14, lambda place, kind: -place, baseline=None, noise_sd=0.5)
    assert names(check_study(study)) == ["ties"]
    assert names(check_study(drawn(40, lambda place, kind: -place))) == ["edge_of_range"]


def fails_at_the_edge() -> CheckedStudy:
    """A study whose values get better up to an edge, beyond which nothing but failures are."""
    study = drawn(60, lambda place, kind: -place)
    bad = [failed(number, lr=lr_at(0.97), kind="abc"[number % 3]) for number in range(60, 66)]
    good = [trial for trial in study.trials if trial.params["lr"] < lr_at(0.95)]
    return replace(study, trials=[*good, *bad])


def test_a_range_is_not_widened_to_where_trials_fail() -> None:
    assert names(check_study(fails_at_the_edge())) == ["failures_cluster"]


def test_two_bounds_of_one_key_move_in_one_override() -> None:
    study = drawn(60, lambda place, kind: place)
    bad = [failed(number, lr=lr_at(0.97), kind="abc"[number % 3]) for number in range(60, 66)]
    good = [trial for trial in study.trials if trial.params["lr"] < lr_at(0.95)]
    findings = check_study(replace(study, trials=[*good, *bad]))
    assert names(findings) == ["failures_cluster", "edge_of_range"]
    assert len({finding.override for finding in findings}) == 1
    assert str(findings[0].override).startswith("lr=tag(log,interval(3.2e-06,0.0")


def test_a_healthy_study_has_no_findings() -> None:
    assert check_study(drawn(50, lambda place, kind: (place - 0.5) ** 2 + 0.2 * ord(kind))) == []


def test_a_study_without_values_is_checked_too() -> None:
    study = drawn(20, lambda place, kind: place)
    nothing = [failed(number, lr=lr_at(number / 20), kind="a") for number in range(20)]
    assert check_study(replace(study, trials=nothing)) == []
    assert check_study(replace(study, trials=[])) == []
    diverged = [complete(number, float("inf"), lr=lr_at(number / 20), kind="a") for number in range(20)]
    assert check_study(replace(study, trials=diverged)) == []


def test_what_is_found_can_be_written_as_yaml() -> None:
    for finding in check_study(fails_at_the_edge()):
        assert set(finding.to_plain()) == {"name", "text", "numbers", "threshold", "override"}
        assert {type(value) for value in finding.numbers.values()} <= {int, float, str}


def test_two_hundred_trials_take_less_than_a_tenth_of_a_second() -> None:
    study = simulated("failures_cluster", 200, 0)
    seconds = []
    for _ in range(3):
        begun = time.process_time()
        check_study(replace(study))
        seconds.append(time.process_time() - begun)
    assert min(seconds) < 0.1
