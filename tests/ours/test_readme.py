"""The README's instructions, followed to the letter."""

from __future__ import annotations

import re
import shlex
import shutil

import pytest
from conftest import ROOT, Shell

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(?:python|yaml)\n(.*?)```", README, flags=re.DOTALL)
# A file's path, in its first or second line -> the block as a reader copies it.
FILES = [
    (path[1], text) for text in BLOCKS if (path := re.match(r"(?:# @package .*\n)?# ((?:src|conf)/[\w/.]+)", text))
]


@pytest.fixture
def project(shell: Shell) -> Shell:
    """A copy of the project with the README's files added."""
    for part in ("conf", "src", "train.py"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, shell.folder / part)
    for name, text in FILES:
        (shell.folder / name).write_text(text)
    shell.env["PYTHONPATH"] = str(shell.folder / "src")
    return shell


def test_there_are_files_to_add() -> None:
    assert [name for name, _ in FILES] == [
        *("src/tunesmith/models/residual.py", "conf/model/residual.yaml", "conf/space/residual.yaml"),
        *("src/tunesmith/data/moons.py", "conf/data/moons.yaml"),
    ]


@pytest.mark.parametrize("part", ["models/residual", "data/moons"])
def test_an_addition_takes_less_than_thirty_lines(part: str) -> None:
    name = part.rpartition("/")[2]
    lines = [
        line for path, text in FILES if name in path for line in text.splitlines() if line.strip() and path not in line
    ]
    assert len(lines) < 30


@pytest.mark.parametrize(
    "command",
    [
        "python train.py model=residual",
        "python train.py -m model=residual study_name=residual",
        "python train.py data=moons data.noise=0.4",
    ],
)
def test_the_added_model_and_data_set_run(project: Shell, command: str) -> None:
    assert f"    {command}\n" in README
    short = ("trainer.max_epochs=2", *(["hydra.sweeper.n_trials=2"] if "-m" in command else []))
    ended = project.python(*shlex.split(command)[1:], *short)
    assert (ended.code, ended.err) == (0, "")
    assert "residual" not in command or "-m" not in command or "model.num_blocks" in ended.out


def test_every_path_of_the_tree_is_there_and_every_folder_is_in_the_tree() -> None:
    named = paths_of_the_tree()
    assert [path for path in named if not (ROOT / path).exists()] == []
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


SWEEPS = re.findall(r"^    python (train\.py -m (?!model=residual).*?)(?: {2,}#.*)?$", README, flags=re.MULTILINE)


@pytest.mark.parametrize("line", SWEEPS)
def test_every_sweep_of_the_readme_passes_its_check(shell: Shell, line: str) -> None:
    ended = shell.train(*shlex.split(line)[1:], "hydra.sweeper.dry_run=true")
    assert (ended.code, ended.err) == (0, "")
