"""The effect of each key in a stage that changes one key at a time."""

from __future__ import annotations

from typing import Any

import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from tunesmith.search.stages.effects import as_line, as_rows, effects

SPACE: dict[str, BaseDistribution] = {"lr": FloatDistribution(0, 1), "kind": CategoricalDistribution(["a", "b"])}


def trial(value: float | None, **params: Any) -> FrozenTrial:
    state = TrialState.FAIL if value is None else TrialState.COMPLETE
    return create_trial(state=state, value=value, params=params, distributions={key: SPACE[key] for key in params})


BASE_ELSEWHERE = [trial(1.0), trial(0.5, lr=0.1), trial(3.0, lr=0.9), trial(0.9, kind="b")]
WHOLE = [trial(1.0, lr=0.2, kind="a"), trial(0.5, lr=0.1, kind="a"), trial(3.0, lr=0.9, kind="a")]


def test_the_largest_effect_comes_first() -> None:
    assert as_rows(effects(BASE_ELSEWHERE, is_maximized=False)) == [
        {"key": "lr", "effect": 2.5, "best": 0.1, "values": [[None, 1.0], [0.1, 0.5], [0.9, 3.0]]},
        {"key": "kind", "effect": pytest.approx(0.1), "best": "b", "values": [[None, 1.0], ["b", 0.9]]},
    ]


def test_the_base_may_record_all_its_values() -> None:
    found = effects([*WHOLE, trial(0.7, lr=0.2, kind="b")], is_maximized=True)
    assert [(each.key, each.best, each.values[0]) for each in found] == [
        ("lr", 0.9, (0.2, 1.0)),
        ("kind", "a", ("a", 1.0)),
    ]


def test_trials_that_have_failed_are_left_out() -> None:
    without_number = trial(1.0, lr=0.2)
    without_number.values = [float("nan")]  # of a study that another program has written
    found = effects([trial(1.0), trial(None, lr=0.1), without_number, trial(2.0, kind="a")], False)
    assert [each.key for each in found] == ["kind"]


def test_without_the_base_nothing_can_be_compared() -> None:
    assert effects([trial(None), *BASE_ELSEWHERE[1:]], is_maximized=False) == []


def test_a_line_names_each_key_with_the_size_of_its_effect() -> None:
    assert as_line(as_rows(effects(BASE_ELSEWHERE, is_maximized=False))) == "lr 2.5  kind 0.1"
