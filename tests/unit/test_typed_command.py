"""How a command is shown to whoever typed it."""

from __future__ import annotations

import pytest

from tunesmith.typed_command import program


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
