"""A function that a key of hydra.sweeper names is found, and fits, before it is called."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tunesmith.errors import UserError
from tunesmith.search.named_function import ARGUMENTS, NamedEvaluation, NamedFunction

MINE = """
number = 3
def nothing(): return "nothing"
def one(config): return config
def two(config, trial=None): return (config, trial)
def evaluate(folder, config): return {"value": config}
def wrong(folder): return 0.9
def silent(folder): pass
"""


@pytest.fixture(autouse=True)
def _mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine_of_named.py").write_text(MINE)
    (tmp_path / "torn_of_named.py").write_text("def f(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine_of_named", raising=False)


def test_its_module_is_imported_when_it_is_called() -> None:
    function = NamedFunction("check", "mine_of_named.one")
    assert "mine_of_named" not in sys.modules
    assert function("a") == "a"


@pytest.mark.parametrize(
    ("key", "name"),
    [("check", "two"), ("custom_search_space", "two"), ("on_start", "nothing"), ("on_finish", "evaluate")],
)
def test_one_that_takes_what_it_is_given_passes(key: str, name: str) -> None:
    assert callable(NamedFunction(key, f"mine_of_named.{name}").load())


@pytest.mark.parametrize("key", ARGUMENTS)
@pytest.mark.parametrize("path", ["nowhere.function", "function", 5, ".mine_of_named.one"])
def test_a_path_of_no_module_is_refused(key: str, path: Any) -> None:
    with pytest.raises(UserError, match=rf"^hydra\.sweeper\.{key} must be the path of a function; got '{path}'$"):
        NamedFunction(key, path)


@pytest.mark.parametrize(
    ("key", "path", "reason"),
    [
        ("check", "mine_of_named.gone", ": module 'mine_of_named' has no attribute 'gone'"),
        ("check", "mine_of_named.number", ", which is 3"),
        ("check", "torn_of_named.f", ": invalid syntax (torn_of_named.py, line 1)"),
        ("check", "mine_of_named.nothing", ": it must take config, but its parameters are ()"),
        ("custom_search_space", "mine_of_named.one", ": it must take config, trial, but its parameters are (config)"),
        ("on_start", "mine_of_named.wrong", ": it must take nothing, but its parameters are (folder)"),
        ("on_finish", "mine_of_named.nothing", ": it must take folder, but its parameters are ()"),
    ],
)
def test_one_that_is_not_there_or_does_not_fit_is_refused(key: str, path: str, reason: str) -> None:
    expected = f"hydra.sweeper.{key} must be the path of a function; got '{path}'{reason}"
    with pytest.raises(UserError, match=f"^{re.escape(expected)}$"):
        NamedFunction(key, path).load()


def test_an_evaluation_may_take_the_config_and_may_return_nothing() -> None:
    assert NamedEvaluation("mine_of_named.evaluate")(Path(), "config") == {"value": "config"}  # type: ignore[arg-type]
    assert NamedEvaluation("mine_of_named.silent")(Path()) == {}


def test_a_start_may_take_the_config() -> None:
    assert NamedFunction("on_start", "mine_of_named.one")(config="config") == "config"
    assert NamedFunction("on_start", "mine_of_named.nothing")(config="config") == "nothing"


def test_an_evaluation_that_returns_no_metrics_is_refused() -> None:
    expected = "hydra.sweeper.on_finish must return metrics by name; got 0.9 of 'mine_of_named.wrong'"
    with pytest.raises(UserError, match=f"^{re.escape(expected)}$"):
        NamedEvaluation("mine_of_named.wrong")(Path())
