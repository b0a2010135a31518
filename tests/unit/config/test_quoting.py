"""Quoting: what is written for Hydra's parser comes back as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from tunesmith.config.quoting import override, param_override, to_hydra, to_optuna, written


def parsed(text: str) -> Any:
    (override,) = OverridesParser.create().parse_overrides([f"key={text}"])
    return override.value()


@pytest.mark.parametrize(
    "value", ["a", "a b", "x,y", "it's", "a=b", "1", "null", "[1,2]", 1, 0.5, True, None], ids=repr
)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert parsed(to_hydra(value)) == value
    assert type(parsed(to_hydra(value))) is type(value)


@pytest.mark.parametrize("value", [["a b", "null", None, 1], {"a": "x,y", "b": {"c": ["1"]}}, [], {}], ids=repr)
def test_texts_inside_a_value_come_back_as_texts(value: Any) -> None:
    assert parsed(to_hydra(value)) == value


def test_a_number_of_numpy_is_a_number() -> None:
    assert to_hydra(np.float64(0.5)) == "0.5"


@pytest.mark.parametrize("value", ["a", "a b", "x=1", "1", "null", "", r"\${x}", "${x}", 1, None, ["a b"]], ids=repr)
def test_an_override_is_read_back_and_quoted_only_if_it_must_be(value: Any) -> None:
    text = override("key", value)
    (read,) = OverridesParser.create().parse_overrides([text])
    assert read.value() == value
    assert ("'" in text) == (value in ("x=1", "1", "null", ["a b"]))


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "k=null"), ("null", "k=null"), ("1,2", "k=1,2"), (True, "k=True"), ([None, "a b"], "k=[null,'a b']")],
    ids=repr,
)
def test_params_hold_texts_of_hydras_grammar_or_values(value: Any, text: str) -> None:
    assert param_override("k", value) == text


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


@pytest.mark.parametrize(
    ("text", "as_written"),
    [
        pytest.param("runs/a_1/best-2.ckpt", "runs/a_1/best-2.ckpt", id="plain"),
        pytest.param("a b", "a b", id="a blank, which the shell's quotes keep"),
        pytest.param("a=b, c", "'a=b, c'", id="signs of the grammar"),
        pytest.param("it's", r"'it\'s'", id="a quote"),
        pytest.param("1", "'1'", id="a number"),
        pytest.param("null", "'null'", id="null"),
        pytest.param("choice(a)", "'choice(a)'", id="a sweep"),
    ],
)
def test_hydra_reads_an_override_back_as_this_text(text: str, as_written: str) -> None:
    assert override("key", text) == f"key={as_written}"
    assert OverridesParser.create().parse_override(f"key={as_written}").value() == text


@pytest.mark.parametrize("value", ["für immer", "漢字 2", "a b", "(a)", "x=1", "b"], ids=repr)
def test_a_choice_is_written_as_hydra_reads_it_back(value: str) -> None:
    read = OverridesParser.create().parse_override(f"key=choice('{value}','c')").value()
    assert [parsed(written(element)) for element in read.list] == [value, "c"]
