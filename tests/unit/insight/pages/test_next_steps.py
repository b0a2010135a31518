"""The section next: at most three findings, each with numbers, threshold, source and the command."""

from __future__ import annotations

from typing import Any

from study_pages import study_of, trial, words

from tunesmith.insight.pages.next_steps import next_steps


def check(**more: Any) -> dict[str, Any]:
    found = {
        "name": "edge_of_range",
        "text": "the edge",
        "numbers": {"F": 14.400000000123},
        "threshold": "F > 4",
        "override": None,
    }
    return {**found, **more}


def told(checks: object, **more: Any) -> str:
    return words(next_steps(study_of(trial(0, 0.5), results={"checks": checks}, **more)))


def test_a_finding_has_numbers_threshold_source_and_command() -> None:
    shown = told([check(override="lr=interval(0,1)", stage="a")], resume_command="python train.py -m study_name=s")
    assert "Stage a: the edge" in shown
    assert "edge_of_range: F 14.4. Threshold: F > 4. Source: measured" in shown
    assert "python train.py -m study_name=s 'lr=interval(0,1)'" in shown


def test_an_override_takes_the_place_of_one_of_its_key() -> None:
    shown = told([check(override="n=60")], resume_command="python train.py -m n=12 other=1")
    assert "python train.py -m other=1 n=60" in shown


def test_without_the_studys_command_the_override_stands_alone() -> None:
    assert told([check(override="lr=interval(0,1)")]).endswith("'lr=interval(0,1)' copy")


def test_three_are_shown_and_the_others_counted() -> None:
    shown = told([check(text=f"finding {place}") for place in range(5)])
    assert "finding 2" in shown
    assert "finding 3" not in shown
    assert "2 more are in optimization_results.yaml" in shown


def test_no_finding_is_said_with_the_number_of_trials_that_checks_look_at() -> None:
    assert told([]).startswith("What to do next") is False
    assert "found nothing. Most of them look at 15 ended trials or more; this study has 1." in told([])


def test_a_study_that_was_not_checked_says_so() -> None:
    assert "has not been checked yet" in told(None)
    assert "several objectives" in told([], modes=("min", "min"))
    assert told([3, "x"]) == told([])


def test_a_study_without_a_complete_trial_has_nothing_to_check() -> None:
    failed = study_of(trial(0, state="failed"), results={"trials": {}})
    assert "nothing to check: no trial has run to its end" in words(next_steps(failed))


def test_findings_of_trials_are_counted_with_the_command_that_says_more() -> None:
    trials = [trial(0, 0.5, findings=["shift"]), trial(1, 0.6, "pruned", findings=["shift"]), trial(2, None, "running")]
    for more in ({}, {"modes": ("min", "min")}):
        shown = words(next_steps(study_of(*trials, folder="sweeps/s", **more)))
        assert "What went wrong in trainings (docs/diagnosis.md): shift 2 of 2 trials." in shown
        assert shown.endswith("python scripts/diagnose.py sweeps/s copy")


def test_a_study_whose_trials_say_nothing_has_no_tally() -> None:
    assert "went wrong" not in told([])
