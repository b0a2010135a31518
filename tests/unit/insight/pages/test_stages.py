"""Tables of stages, of effects, and of a confirmation."""

from __future__ import annotations

from typing import Any

import pytest
from shown import shown_study

from tunesmith.insight.pages.stages import confirmation_table, stages_table
from tunesmith.insight.pages.study_facts import StudyFacts


def with_results(**results: Any) -> StudyFacts:
    return shown_study([], results=results)


def test_each_stage_has_a_row_and_each_effect_one_below() -> None:
    effects = [{"key": "lr", "effect": 1.0831234, "best": 0.01, "values": [[0.01, 0.5], [None, 1.5831234], "damaged"]}]
    stages = [
        {"name": "<wide>", "sampler": "TPESampler", "pruner": "NopPruner", "trials": 7, "best_trial": 1},
        {"name": "alone", "best_value": 0.1234567891, "effects": effects},
    ]
    shown = stages_table(with_results(search={"stages": stages}))
    assert "<td>&lt;wide&gt;</td><td>TPESampler</td><td>NopPruner</td><td>7</td><td>1</td><td>-</td>" in shown
    assert "<td>0.123457</td>" in shown
    assert "<td>lr</td><td>1.08312</td><td>0.01</td><td>0.01: 0.5, -: 1.58312</td>" in shown


def test_a_confirmation_has_a_row_per_configuration() -> None:
    first = {"trial": 7, "first": 0.09, "mean": 0.07, "interval": [0.01, 0.2], "seeds": [1, 2], "failed": 0}
    second = {"trial": 9, "difference": 1.3, "difference_interval": [-1.0, 3.0]}
    block = {"trial": 7, "repeats": {"ended": 3, "planned": 4}, "candidates": [first, second]}
    shown = confirmation_table(with_results(confirm=block))
    assert "3 of 4 repeats have ended" in shown
    assert '<tr class="best"><td>7</td><td>0.09</td><td>0.07</td><td>0.01 to 0.2</td><td>2</td><td>0</td>' in shown
    assert "<td>1.3</td><td>-1 to 3</td>" in shown


@pytest.mark.parametrize(
    "results",
    [
        {},
        {"search": {"stages": []}},
        {"search": "damaged", "confirm": 3},
        {"search": {"stages": "ab"}, "confirm": {"candidates": [1]}},
    ],
    ids=["none", "no stages", "no dicts", "other types"],
)
def test_without_stages_and_confirmation_there_is_nothing(results: dict[str, Any]) -> None:
    facts = with_results(**results)
    assert (stages_table(facts), confirmation_table(facts)) == ("", "")


def test_the_repeats_of_a_confirmation_are_no_stage() -> None:
    stages = [{"name": name, "trials": 3, "best_trial": 1} for name in ("wide", "confirm")]
    shown = stages_table(with_results(search={"stages": stages}, confirm={"trial": 1}))
    assert "wide" in shown
    assert "confirm" not in shown
