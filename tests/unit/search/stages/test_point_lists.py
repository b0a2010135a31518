"""The points of a grid, around a point, and one key at a time."""

from __future__ import annotations

from itertools import islice

from tunesmith.search.stages.point_lists import grid_points, one_at_a_time, points_around

AB = {"a": [1, 2], "b": ["x", "y", "z"]}


def test_a_grid_that_fits_is_run_whole_in_its_order() -> None:
    found = list(grid_points(AB, 6, seed=0))
    assert found == [{"a": a, "b": b} for a in (1, 2) for b in ("x", "y", "z")]


def test_of_a_larger_grid_some_points_are_drawn_each_once() -> None:
    found = list(grid_points(AB, 4, seed=0))
    assert len({tuple(point.items()) for point in found}) == 4
    assert all(point["a"] in AB["a"] and point["b"] in AB["b"] for point in found)


def test_more_points_of_a_grid_begin_with_those_of_fewer() -> None:
    keys = {f"k{index}": list(range(10)) for index in range(40)}  # no list of 10**40 points is made
    assert list(grid_points(keys, 9, seed=3))[:4] == list(grid_points(keys, 4, seed=3))
    assert list(grid_points(keys, 4, seed=3)) != list(grid_points(keys, 4, seed=4))


def test_points_around_change_one_key_before_they_change_two() -> None:
    found = list(points_around({"a": 5, "b": 5, "c": 0}, {"a": [4, 6], "b": [6]}))
    assert found == [
        {"a": 5, "b": 5, "c": 0},
        {"a": 4, "b": 5, "c": 0},
        {"a": 6, "b": 5, "c": 0},
        {"a": 5, "b": 6, "c": 0},
        {"a": 4, "b": 6, "c": 0},
        {"a": 6, "b": 6, "c": 0},
    ]


def test_points_around_many_keys_are_not_listed_before_they_are_asked_for() -> None:
    near = {f"k{index}": [0, 2] for index in range(60)}
    found = list(islice(points_around(dict.fromkeys(near, 1), near), 121))
    assert [sum(value != 1 for value in point.values()) for point in found] == [0] + [1] * 120


def test_one_at_a_time_gives_each_key_its_first_level_before_any_gets_its_second() -> None:
    assert list(one_at_a_time({}, AB)) == [{}, {"a": 1}, {"b": "x"}, {"a": 2}, {"b": "y"}, {"b": "z"}]


def test_one_at_a_time_from_a_point_keeps_its_other_values() -> None:
    assert list(one_at_a_time({"a": 2, "c": 1}, {"a": [1]})) == [{"a": 2, "c": 1}, {"a": 1, "c": 1}]
