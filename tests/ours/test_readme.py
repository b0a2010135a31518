"""The README's instructions, followed to the letter."""

from __future__ import annotations

import re
import shlex
import shutil

import pytest
from conftest import ROOT, Shell

README = (ROOT / "README.md").read_text()
FILES = re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", README, flags=re.DOTALL)


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
    lines = [line for path, text in FILES if name in path for line in text.splitlines() if line.strip()]
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


def test_every_file_of_the_tree_is_there_and_every_module_is_in_the_tree() -> None:
    tree = README.split("## The tree")[1]
    modules = [path for path in (ROOT / "src" / "tunesmith").rglob("*.py") if path.name != "__init__.py"]
    assert [path.name for path in modules if path.name not in tree] == []


SWEEPS = re.findall(r"^    python (train\.py -m (?!model=residual).*?)(?: {2,}#.*)?$", README, flags=re.MULTILINE)


@pytest.mark.parametrize("line", SWEEPS)
def test_every_sweep_of_the_readme_passes_its_check(shell: Shell, line: str) -> None:
    ended = shell.train(*shlex.split(line)[1:], "hydra.sweeper.dry_run=true")
    assert (ended.code, ended.err) == (0, "")
