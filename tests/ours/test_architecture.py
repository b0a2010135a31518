"""docs/architecture.md names files, functions and rooms that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "src" / "tunesmith"
PAGE = (ROOT / "docs" / "architecture.md").read_text()
PATHS = sorted(set(re.findall(r"`((?:\w+/)*\w+(?:/|\.py))`", PAGE)))
# `file.py` `name`, and `name` (`file.py`) or `name` (`folder/`)
NAMES = sorted(
    {(path, name) for path, name in re.findall(r"`([\w/]+\.py)`\s+`(\w+)`", PAGE)}
    | {(path, name) for name, path in re.findall(r"`(\w+)`\s+\(`([\w/.]+)`\)", PAGE)}
)


def test_it_names_enough_to_be_checked() -> None:
    assert (len(PATHS) > 20, len(NAMES) > 15) == (True, True)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_there(path: str) -> None:
    assert (ROOT / path).exists() or any(LIBRARY.rglob(path))


@pytest.mark.parametrize(("path", "name"), NAMES, ids=[f"{path} {name}" for path, name in NAMES])
def test_a_name_is_defined_where_it_says(path: str, name: str) -> None:
    files = [LIBRARY / path] if path.endswith(".py") else sorted((LIBRARY / path).glob("*.py"))
    assert any(re.search(rf"^ *(?:def|class) {name}\b", file.read_text(), re.MULTILINE) for file in files)


def test_every_room_is_named() -> None:
    rooms = {path.parent.relative_to(LIBRARY) for path in LIBRARY.rglob("*.py")} - {Path(".")}
    assert [str(room) for room in sorted(rooms) if f"{room.name}/`" not in PAGE] == []
