"""No file of the project names the machine that it was written on."""

from __future__ import annotations

from pathlib import Path

from conftest import ROOT


def test_no_file_of_the_project_names_this_machine() -> None:
    texts = [path for path in ROOT.rglob("*") if path.suffix in {".py", ".yaml", ".md", ".toml", ".txt"}]
    ours = [path for path in texts if not {".venv", "outputs"} & set(path.relative_to(ROOT).parts)]
    place = str(ROOT) + "/"
    assert ours
    assert [path for path in ours if place in path.read_text() and path != Path(__file__)] == []
