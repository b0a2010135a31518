"""README's tree is the project's, its length is kept, its additions are small (its commands: test_commands.py)."""

from __future__ import annotations

import re

import pytest
from conftest import ROOT
from pages import files_to_add

README = (ROOT / "README.md").read_text()
FILES = files_to_add(ROOT / "README.md")


def test_it_can_be_read_in_one_sitting() -> None:
    assert len(README.splitlines()) <= 200


@pytest.mark.parametrize(
    ("package", "group"), [("models", "model"), ("data", "data"), ("learners", "learner"), ("metrics", "metrics")]
)
def test_an_addition_is_two_small_files(package: str, group: str) -> None:
    names = [name for name in FILES if name.startswith((f"src/project/{package}/", f"conf/{group}/"))]
    assert len(names) == 2
    assert sum(len(FILES[name].splitlines()) for name in names) < 30


def test_every_path_of_the_tree_is_there_and_every_folder_is_in_the_tree() -> None:
    named = paths_of_the_tree()
    # conf/local/ is the reader's own, git ignores what lies in it.
    assert [path for path in named if not (ROOT / path).exists() and path != "conf/local/"] == []
    packages = {path.parent for path in (ROOT / "src").rglob("*.py") if "conf" not in path.parts}
    groups = [path for path in (ROOT / "conf").iterdir() if path.is_dir()]
    folders = [f"{path.relative_to(ROOT)}/" for path in (*packages, *groups)]
    assert len(folders) > 20
    assert sorted(set(folders) - set(named)) == []


def paths_of_the_tree() -> list[str]:
    """Return the paths that the tree names; a line with one folder is the parent of the lines indented below it."""
    found: list[str] = []
    parents: list[tuple[int, str]] = []
    for line in README.split("## The tree")[1].split("```")[1].strip().splitlines():
        indent = len(line) - len(line.lstrip())
        names = re.split(r" {2,}", line.strip())[0].split()
        parents = [(depth, name) for depth, name in parents if depth < indent]
        above = "".join(name for _, name in parents)
        found += [above + name for name in names]
        if len(names) == 1 and names[0].endswith("/"):
            parents.append((indent, names[0]))
    return found
