"""Runs and studies as what is compared."""

from __future__ import annotations

import math
from datetime import datetime

from tunesmith.insight.comparison.members import Curve, best_so_far, of_run, of_study
from tunesmith.insight.pages.run_facts import RunFacts
from tunesmith.insight.pages.study_facts import StudyFacts, TrialFacts


def test_the_best_so_far_skips_what_is_no_value() -> None:
    points = [(1, None), (2, math.nan), (3, 0.5), (4, 0.7), (5, math.nan), (6, 0.4)]
    assert best_so_far(points, "min") == Curve([3, 4, 5, 6], [0.5, 0.5, 0.5, 0.4])
    assert best_so_far(points, "max") == Curve([3, 4, 5, 6], [0.5, 0.7, 0.7, 0.7])


def test_a_run_is_named_by_the_end_of_its_path_and_has_the_curve_of_its_objective() -> None:
    rows = [
        {"epoch": "1", "val/acc": "0.5"},
        {"epoch": "2", "val/acc": ""},
        {"epoch": "3", "val/acc": "0.4"},
        {"epoch": "x"},
    ]
    result = {"value": 0.5, "data_digest": "d"}
    member = of_run(RunFacts("outputs/runs/date/time", result, "val/acc", "max", {"": rows}, config={"seed": 3}))
    assert (member.name, member.value, member.seed, member.data) == ("date/time", 0.5, 3, "d")
    assert member.curve == Curve([1, 3], [0.5, 0.5])


def test_a_studys_epochs_add_up_in_the_order_of_the_ends_and_complete_trials_alone_are_the_best() -> None:
    def trial(number: int, state: str, value: float | None, minute: int | None, is_repeat: bool = False) -> TrialFacts:
        ended = None if minute is None else datetime(2026, 1, 1, 0, minute)
        return TrialFacts(number, state, value, epochs=10, ended=ended, is_repeat=is_repeat)  # type: ignore[arg-type]

    trials = [trial(0, "complete", 0.5, 3), trial(1, "complete", 0.6, 1), trial(2, "pruned", 0.1, 2)]
    study = StudyFacts("s", trials=[*trials, trial(3, "failed", None, 4), trial(4, "complete", 0.05, 5, True)])
    assert of_study(study).curve == Curve([10, 20, 30, 40], [0.6, 0.6, 0.5, 0.5])


def test_studies_differ_by_search_and_space_and_not_by_how_they_are_carried_out() -> None:
    def config(**sweeper: object) -> object:
        return of_study(StudyFacts("s", config={"seed": 0, "hydra": {"sweeper": sweeper}})).config

    assert config(n_trials=3, study_name="a", n_workers=4) == config(n_trials=3, study_name="b")
    assert config(n_trials=3) != config(n_trials=4)
