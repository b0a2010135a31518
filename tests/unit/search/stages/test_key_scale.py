"""Values on a key's own scale: narrowed ranges, neighbours and levels, for each kind of range and at its ends."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from tunesmith.search.space.space import Dimension, parse_space
from tunesmith.search.space.values import contains, own_value
from tunesmith.search.stages.key_scale import levels, narrow, neighbours, step_of

SWEEPS = {
    "log": "tag(log, interval(1e-4, 1))",
    "linear": "interval(0.0, 0.5)",
    "integer": "int(interval(1, 9))",
    "log integer": "tag(log, int(interval(4, 64)))",
    "step": "range(0.1, 0.9, 0.2)",
    "integer step": "range(16, 64, 16)",
    "choices": "choice(16, 32, 64, 128)",
    "lists": "choice([16], [16,32], [32,64])",
    "one choice": "choice(adam)",
    "one number": "int(interval(3, 3))",
}


@cache
def dimension(sweep: str) -> Dimension:
    return parse_space({"x": SWEEPS.get(sweep, sweep)}, []).dimensions["x"]


def ends(dimension: Dimension) -> tuple[Any, Any]:
    found = dimension.extremes()
    return found[0], found[-1]


@pytest.mark.parametrize(
    ("sweep", "best", "part", "low", "high"),
    [
        ("log", 0.01, 0.5, 0.001, 0.1),
        ("log", 1e-4, 0.5, 1e-4, 1e-3),
        ("log", 1.0, 0.5, 0.1, 1.0),
        ("linear", 0.2, 0.4, 0.1, 0.3),
        ("linear", 0.0, 0.4, 0.0, 0.1),
        ("linear", 0.45, 0.4, 0.35, 0.5),
        ("integer", 5, 0.5, 3, 7),
        ("integer", 5, 0.01, 4, 6),
        ("integer", 9, 0.5, 7, 9),
        ("log integer", 16, 0.5, 8, 32),
        ("log integer", 4, 0.01, 4, 5),
        ("step", 0.5, 0.5, 0.3, 0.7),
        ("step", 0.1, 0.01, 0.1, 0.3),
        ("integer step", 32, 0.1, 16, 48),
        ("choices", 32, 0.1, 16, 64),
        ("choices", 128, 0.99, 64, 128),
        ("lists", "[16]", 0.5, "[16]", "[16,32]"),
        ("one choice", "adam", 0.5, "adam", "adam"),
        ("one number", 3, 0.5, 3, 3),
    ],
)
def test_narrow(sweep: str, best: Any, part: float, low: Any, high: Any) -> None:
    assert ends(narrow(dimension(sweep), best, part)) == pytest.approx((low, high))


def test_a_narrowed_list_is_still_written_as_hydra_reads_it() -> None:
    narrowed = narrow(dimension("lists"), "[16]", 0.5)
    assert [narrowed.override(value) for value in narrowed.extremes()] == ["x=[16]", "x=[16,32]"]


def cases() -> Iterator[tuple[str, Any, float]]:
    """Yield ranges with random values of theirs and random parts."""
    generator = random.Random(0)
    for sweep in SWEEPS:
        for _ in range(100):
            whole = dimension(sweep)
            if values := whole.values():
                value: Any = generator.choice(values)
            else:
                low, high = ends(whole)
                value = own_value(whole, type(low)(min(max(generator.uniform(low, high), low), high)))
            yield sweep, value, generator.uniform(1e-6, 0.999)


def test_a_narrowed_range_holds_the_best_and_lies_in_the_old_one() -> None:
    for sweep, value, part in cases():
        whole = dimension(sweep)
        narrowed = narrow(whole, value, part)
        assert contains(narrowed, value), (sweep, value, part)
        assert all(contains(whole, end) for end in narrowed.extremes()), (sweep, value, part)
        assert type(narrowed.distribution) is type(whole.distribution)


def test_neighbours_lie_in_the_range_on_its_steps_and_differ_from_the_value() -> None:
    for sweep, value, part in cases():
        whole = dimension(sweep)
        near = neighbours(whole, value, step_of(whole, part))
        assert all(contains(whole, each) and each != value for each in near), (sweep, value, part, near)
        assert len(near) >= min(1, len(whole.extremes()) - 1)


@pytest.mark.parametrize(
    ("sweep", "value", "step", "near"),
    [
        ("log", 0.01, 2, [0.005, 0.02]),
        ("log", 1e-4, 2, [2e-4]),
        ("log", 0.8, 2, [0.4, 1.0]),
        ("linear", 0.2, 0.1, [0.1, 0.3]),
        ("linear", 0.05, 0.1, [0.0, 0.15]),
        ("linear", 0.5, 0.1, [0.4]),
        ("integer", 5, 2, [3, 7]),
        ("int(interval(1, 100))", 8, 10, [1, 18]),
        ("integer", 5, 0.1, [4, 6]),
        ("log integer", 8, 2, [4, 16]),
        ("log integer", 5, 1.01, [4, 6]),
        ("step", 0.3, 0.2, [0.1, 0.5]),
        ("step", 0.9, 0.4, [0.5]),
        ("integer step", 16, 20, [32]),
        ("choices", 32, 1, [16, 64]),
        ("choices", 32, 2, [16, 128]),
        ("lists", "[16,32]", 1, ["[16]", "[32,64]"]),
        ("one choice", "adam", 1, []),
        ("one number", 3, 1, []),
    ],
)
def test_neighbours(sweep: str, value: Any, step: float, near: list[Any]) -> None:
    found = neighbours(dimension(sweep), value, step)
    assert found == (near if isinstance(value, str) else pytest.approx(near))
    assert [type(each) for each in found] == [type(value)] * len(near)


@pytest.mark.parametrize(
    ("sweep", "part", "step"),
    [("tag(log, interval(1e-4, 1e-1))", 0.1, 10**0.3), ("linear", 0.1, 0.05), ("choices", 0.5, 1.5)],
)
def test_step_of(sweep: str, part: float, step: float) -> None:
    assert step_of(dimension(sweep), part) == pytest.approx(step)


@pytest.mark.parametrize(
    ("sweep", "count", "expected"),
    [
        ("log", 3, [1e-4, 1e-2, 1.0]),
        ("log", 1, [1e-2]),
        ("linear", 3, [0.0, 0.25, 0.5]),
        ("integer", 3, [1, 5, 9]),
        ("integer", 20, list(range(1, 10))),
        ("log integer", 3, [4, 16, 64]),
        ("step", 3, [0.1, 0.5, 0.9]),
        ("integer step", 2, [16, 64]),
        ("choices", 2, [16, 128]),
        ("choices", 9, [16, 32, 64, 128]),
        ("lists", 1, ["[16,32]"]),
        ("one choice", 3, ["adam"]),
    ],
)
def test_levels(sweep: str, count: int, expected: list[Any]) -> None:
    found = levels(dimension(sweep), count)
    assert found == (expected if isinstance(expected[0], str) else pytest.approx(expected))
