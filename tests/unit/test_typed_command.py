"""How a command is shown to whoever typed it."""

from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from tunesmith.typed_command import override, program


@pytest.mark.parametrize(
    ("script", "shown"),
    [
        pytest.param("train.py", ["python", "train.py"], id="a script"),
        pytest.param("a b/train.py", ["python", "a b/train.py"], id="a path"),
        pytest.param("/x/src/tunesmith/__main__.py", ["python", "-m", "tunesmith"], id="a package"),
    ],
)
def test_a_command_is_shown_as_it_was_typed(script: str, shown: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert program(script) == shown
    monkeypatch.setattr("sys.argv", [script, "seed=1"])
    assert program() == shown


@pytest.mark.parametrize(
    ("text", "written"),
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
def test_hydra_reads_an_override_back_as_this_text(text: str, written: str) -> None:
    assert override("key", text) == f"key={written}"
    assert OverridesParser.create().parse_override(f"key={written}").value() == text
