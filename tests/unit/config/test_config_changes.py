"""Keys whose values differ between two configs."""

import math
from typing import Any

import pytest
from omegaconf import OmegaConf

from tunesmith.config.changes import ABSENT, Change, find_changes, is_same_value, show_value


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        pytest.param("a: 1", "a: 1", [], id="same"),
        pytest.param("a: {b: 1}", "a: {b: 2}", [Change("a.b", 1, 2)], id="nested"),
        pytest.param("a: 1", "a: 1.0", [], id="a number is a number"),
        pytest.param("a: 1", "a: true", [Change("a", 1, True)], id="a switch is no number"),
        pytest.param("a: 1", "a: '1'", [Change("a", 1, "1")], id="a text is no number"),
        pytest.param("a: 0.3", f"a: {0.1 + 0.2!r}", [], id="a rounded sum"),
        pytest.param("a: 4000000000", "a: 4000000001", [Change("a", 4 * 10**9, 4 * 10**9 + 1)], id="a long seed"),
        pytest.param(f"a: {2**53}", f"a: {2**53 + 1}", [Change("a", 2**53, 2**53 + 1)], id="a seed of 64 bits"),
        pytest.param("a: .nan", "a: .nan", [], id="nan"),
        pytest.param("a: null", "{}", [Change("a", None, ABSENT)], id="null is a value"),
        pytest.param("{}", "a: {b: 1}", [Change("a.b", ABSENT, 1)], id="new key"),
        pytest.param("a: [1, 2]", "a: [2, 1]", [Change("a", [1, 2], [2, 1])], id="a list is one value"),
        pytest.param("a: {}", "a: {b: 1}", [Change("a", {}, ABSENT), Change("a.b", ABSENT, 1)], id="empty dict"),
        pytest.param("a: [{b: 1, c: 2}]", "a: [{c: 2, b: 1}]", [], id="order of keys"),
        pytest.param("a: ${b}\nb: 1", "a: 1\nb: 1", [Change("a", "${b}", 1)], id="unresolved"),
        pytest.param("a: ${no.such:thing}", "a: ${no.such:thing}", [], id="unknown resolver"),
        pytest.param("a: ???", "a: ???", [], id="missing"),
        pytest.param("hydra: {job: 1}", "hydra: {job: 2}", [], id="hydra"),
    ],
)
def test_changes(old: str, new: str, changes: list[Change]) -> None:
    assert find_changes(OmegaConf.create(old), OmegaConf.create(new)) == changes


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (1, 1.0, True),
        (0.1 + 0.2, 0.3, True),
        (1, True, False),
        (0, False, False),
        (1, "1", False),
        (None, "null", False),
        (None, None, True),
        (math.nan, math.nan, True),
        (1e-9, 2e-9, False),
        (4 * 10**9, 4 * 10**9 + 1, False),
        pytest.param(10**400, 0.5, False, id="beyond floats"),
        ([1, 2], [1, 2.0], True),
        ([1], [True], False),
        ([1], [1, 2], False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"b": 1}, False),
    ],
    ids=repr,
)
def test_two_values_are_one(first: Any, second: Any, same: bool) -> None:
    assert is_same_value(first, second) is same
    assert is_same_value(second, first) is same


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (True, "true"),
        (0.001, "0.001"),
        ("a b", "a b"),
        ([1, None], "[1, null]"),
        (ABSENT, "no such key"),
        ("x" * 61, "x" * 60 + "..."),
    ],
    ids=repr,
)
def test_a_message_shows_a_value_as_yaml_has_it(value: Any, shown: str) -> None:
    assert show_value(value) == shown
