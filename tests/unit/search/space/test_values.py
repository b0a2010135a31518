"""Values of trials, configs and spaces compared: as numbers, with their types."""

from __future__ import annotations

from typing import Any

import pytest

from tunesmith.search.space.dimension import Dimension
from tunesmith.search.space.space import parse_space
from tunesmith.search.space.values import contains, is_same_param, own_value, position


@pytest.mark.parametrize(
    ("param", "value", "same"),
    [
        ("[1,2]", [1, 2], True),
        ("[1,2]", [2, 1], False),
        ("['a b',c]", ["a b", "c"], True),
        ("{a:1,b:[x]}", {"a": 1, "b": ["x"]}, True),
        ("[1,2", [1, 2], False),
        ("text", ["text"], False),
    ],
)
def test_a_list_is_stored_as_hydra_writes_it(param: str, value: Any, same: bool) -> None:
    assert is_same_param(param, value) is same


def dimension(text: str) -> Dimension:
    return parse_space({}, [f"x={text}"]).dimensions["x"]


@pytest.mark.parametrize(
    ("text", "value", "index"),
    [
        ("a,b", "b", 1),
        ("1.0,1.0000000000001", 1.0000000000001, 1),
        ("a,b", "c", None),
        ("0,1", True, None),
        ("'1',1", 1, 1),
        ("null,1", None, 0),
        ("[1],[1,2]", [1, 2], 1),
        ("range(1,9,step=2)", 5, 2),
        ("range(1,9,step=2)", 4, None),
        ("range(1,9,step=2)", 11, None),
        ("range(0.1,0.5,step=0.1)", 0.1 + 0.2, 2),
        ("range(0.1,0.5,step=0.1)", 0.35, None),
        ("range(0.1,0.5,step=0.1)", "0.3", None),
        ("interval(0,1)", 0.5, None),
        ("4000000000,4000000001", 4000000001, 1),
        ("range(4000000000,4000000010)", 4000000011, None),
        ("range(0,4000000000,2)", 3999999999, None),
        ("range(0,4000000000,2)", 3999999998, 1999999999),
    ],
)
def test_a_value_has_its_position(text: str, value: Any, index: int | None) -> None:
    assert position(dimension(text), value) == index


@pytest.mark.parametrize(
    ("text", "value", "inside"),
    [
        ("interval(0,1)", 0.5, True),
        ("interval(0,1)", 1, True),
        ("interval(0,1)", 1.5, False),
        ("interval(0,1)", True, False),
        ("interval(0,1)", None, False),
        ("tag(log,int(interval(1,8)))", 3, True),
        ("tag(log,int(interval(1,8)))", 2.5, False),
        ("a,b", "a", True),
    ],
)
def test_a_range_contains_a_value(text: str, value: Any, inside: bool) -> None:
    assert contains(dimension(text), value) is inside


@pytest.mark.parametrize(
    ("sweep", "value", "own"),
    [
        ("tag(log,interval(1e-4,1.0))", 1, 1.0),
        ("interval(0.1,0.3)", 0.1 + 0.2, 0.3),
        ("range(1,9)", 3.0, 3),
        ("[16],[16,32]", [16, 32], "[16,32]"),
        ("16,32", 32.0, 32),
        ("range(0.1,0.9,0.2)", 0.3, 0.3),
    ],
)
def test_own_value(sweep: str, value: Any, own: Any) -> None:
    found = own_value(dimension(sweep), value)
    assert (found, type(found)) == (own, type(own))


@pytest.mark.parametrize("sweep", ["1,2", "range(1,2)", "interval(1.0,2.0)"])
@pytest.mark.parametrize("value", [3, "other", None, True])
def test_a_value_that_is_none_of_the_key_stays(sweep: str, value: Any) -> None:
    assert own_value(dimension(sweep), value) is value
