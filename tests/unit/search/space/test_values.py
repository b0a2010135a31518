"""Which values a key varies over."""

from typing import Any

import pytest

from tunesmith.search.space.space import parse_space
from tunesmith.search.space.values import contains, position


@pytest.mark.parametrize(
    ("sweep", "value", "expected"),
    [
        pytest.param("4000000000,4000000001", 4000000001, 1, id="seeds of ten digits"),
        pytest.param("1e-10,2e-10", 2e-10, 1, id="small numbers"),
        pytest.param("1,2", 2.0, 1, id="a number is a number"),
        pytest.param("1,2", True, None, id="a switch is no number"),
        pytest.param("1,2", "1", None, id="a text is no number"),
        pytest.param("[1,2],[2,1]", [2, 1], 1, id="list"),
        pytest.param("{a:1},{a:'1'}", {"a": "1"}, 1, id="dict"),
        pytest.param("range(0.1,0.6,0.1)", 0.1 + 0.2, 2, id="a rounded sum"),
        pytest.param("range(0.1,0.6,0.1)", 0.25, None, id="between two steps"),
        pytest.param("range(4000000000,4000000010)", 4000000011, None, id="beyond the end of a range"),
        pytest.param("range(0,4000000000,2)", 3999999999, None, id="an odd number among even ones"),
        pytest.param("range(0,4000000000,2)", 3999999998, 1999999999, id="an even number"),
    ],
)
def test_position_of_a_value(sweep: str, value: Any, expected: int | None) -> None:
    dimension = parse_space({}, [f"x={sweep}"]).dimensions["x"]
    assert position(dimension, value) == expected


@pytest.mark.parametrize(
    ("sweep", "value", "expected"),
    [
        pytest.param("interval(1e-4,1e-1)", 1e-4, True, id="lower end"),
        pytest.param("interval(1e-4,1e-1)", 0.1 + 1e-17, True, id="rounded end"),
        pytest.param("interval(1e-4,1e-1)", 0.2, False, id="above"),
        pytest.param("tag(log,int(interval(8,512)))", 512.0, True, id="whole number"),
        pytest.param("tag(log,int(interval(8,512)))", 8.5, False, id="no whole number"),
        pytest.param("interval(0.0,1.0)", "0.5", False, id="text"),
    ],
)
def test_contains(sweep: str, value: Any, expected: bool) -> None:
    assert contains(parse_space({}, [f"x={sweep}"]).dimensions["x"], value) == expected
