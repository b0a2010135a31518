"""Quoting: what is written for Hydra's parser comes back as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from tunesmith.search.space.quoting import to_hydra, to_optuna


def parsed(text: str) -> Any:
    (override,) = OverridesParser.create().parse_overrides([f"key={text}"])
    return override.value()


@pytest.mark.parametrize(
    "value", ["a", "a b", "x,y", "it's", "a=b", "1", "null", "[1,2]", 1, 0.5, True, None], ids=repr
)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert parsed(to_hydra(value)) == value
    assert type(parsed(to_hydra(value))) is type(value)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("'a b'", "a b", id="a quoted string"),
        pytest.param("0.5", 0.5, id="a number"),
        pytest.param("null", None, id="null"),
        pytest.param("[1,2]", "[1,2]", id="a list, as its text"),
    ],
)
def test_what_optuna_stores(text: str, kept: Any) -> None:
    (override,) = OverridesParser.create().parse_overrides([f"key={text}"])
    assert to_optuna(override._value) == kept
