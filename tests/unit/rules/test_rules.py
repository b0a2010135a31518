"""The words that rules are made of: what holds, and how a rule says what it wants."""

from __future__ import annotations

import math
from typing import Any

import pytest
from omegaconf import OmegaConf

from tunesmith.rules import FLAG, LIST, NODE, SEED, TEXT, Rule, either, integer, list_of, number, one_of, or_null

SMALL = number("< 1", lambda value: value < 1)


@pytest.mark.parametrize(
    ("rule", "says", "good", "bad"),
    [
        pytest.param(SMALL, "a number < 1", [0, -2.5], [1, math.nan, -math.inf, -(10**400), True], id="number"),
        pytest.param(integer(2), "an integer >= 2", [2, 10**9], [1, 2.0, True, "2", None], id="integer"),
        pytest.param(one_of("a", "b"), "one of a, b", ["a", "b"], ["c", "", None, 1], id="one_of"),
        pytest.param(either(one_of("a"), integer(2)), "one of a, or an integer >= 2", ["a", 2], ["b", 1], id="either"),
        pytest.param(or_null(integer(2)), "an integer >= 2, or null", [None, 2], [1, "null"], id="or_null"),
        pytest.param(
            list_of(SMALL), "a list, each a number < 1", [[0], (0, -1)], [[], [0, 1], 0, "00", None], id="list_of"
        ),
        pytest.param(FLAG, "true or false", [True, False], [0, 1, "true", None], id="FLAG"),
        pytest.param(SEED, "an integer in [0, 2**32)", [0, 2**32 - 1], [-1, 2**32, 0.0, True], id="SEED"),
        pytest.param(TEXT, "a text", ["a"], ["", 1, None], id="TEXT"),
        pytest.param(LIST, "a list", [[], [1]], ["[]", None, 1], id="LIST"),
        pytest.param(
            NODE,
            "a node with a _target_",
            [{"_target_": "a.B"}, OmegaConf.create({"_target_": "a.B"})],
            [{}, OmegaConf.create({}), "a.B", None],
            id="NODE",
        ),
    ],
)
def test_a_rule_says_what_it_wants_and_holds_for_nothing_else(
    rule: Rule, says: str, good: list[Any], bad: list[Any]
) -> None:
    assert rule.says == says
    assert [value for value in good if not rule.holds(value)] == []
    assert [value for value in bad if rule.holds(value)] == []
