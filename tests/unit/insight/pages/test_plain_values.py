"""Values of results and configs, which may be of any type."""

from __future__ import annotations

import pytest

from tunesmith.insight.pages.plain_values import at, dict_of, dicts_of, shown

CONFIG = {"a": {"b": {"c": 1}}, "text": "x"}


@pytest.mark.parametrize(
    ("key", "value"), [("a.b.c", 1), ("+a.b", {"c": 1}), ("a.c", None), ("text.b", None), ("z", None)]
)
def test_a_dotted_key_has_a_value_or_none(key: str, value: object) -> None:
    assert at(CONFIG, key) == value


def test_what_is_of_another_type_is_not_there() -> None:
    assert (dict_of({"a": 1}), dict_of("a"), dict_of(None)) == ({"a": 1}, {}, {})
    assert (dicts_of([{"a": 1}, 2]), dicts_of({"a": 1}), dicts_of("ab")) == ([{"a": 1}], [], [])


@pytest.mark.parametrize(
    ("value", "text"), [(0.123456789, "0.123457"), (None, "-"), (True, "true"), ("a", "a"), ([1, "a"], '[1, "a"]')]
)
def test_a_value_of_results_is_a_cell(value: object, text: str) -> None:
    assert shown(value) == text
