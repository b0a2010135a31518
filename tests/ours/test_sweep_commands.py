"""Every command of README, CONTRIBUTING and docs/ that sweeps, up to its check, and all others that do not train.

A command is a fork of one Python that has loaded a copy of the project; tests/ours/pages.py says which are not run.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT, LoadedPythons, Shell
from conftest import SWEEPS as IMPORTS
from copies import copy_project, make_shell, run, succeed
from pages import COMMANDS, NOT_RUN, OTHERS, SWEEPS, TELLING, commands


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """An empty folder beside the project, for commands that end before they import torch."""
    copy_project(copy := tmp_path_factory.mktemp("copy"))
    pythons = LoadedPythons(tmp_path_factory.mktemp)
    yield make_shell(copy, tmp_path_factory.mktemp("project"), pythons, IMPORTS)
    pythons.end()


def test_there_are_commands_of_each_kind() -> None:
    assert (len(SWEEPS) > 20, len(TELLING) > 1, len(OTHERS) > 8) == (True, True, True)


@pytest.mark.parametrize("command", SWEEPS)
def test_a_sweep_passes_its_check(project: Shell, command: str) -> None:
    succeed(run(project, command, "hydra.sweeper.dry_run=true"))


@pytest.mark.parametrize("command", TELLING)
def test_help_is_told(project: Shell, command: str) -> None:
    succeed(run(project, command))


@pytest.mark.parametrize("command", OTHERS)
def test_another_program_finds_what_it_needs(project: Shell, command: str) -> None:
    program, *words = shlex.split(command)
    if program == "make":
        assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif program == "pip":
        listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        packages = {re.split("[>=<]", package)[0] for extra in listed.values() for package in extra}
        assert {*words} - {"install"} <= packages
    elif program == "eval":
        succeed(run(project, words[0].removeprefix("$(").removesuffix(")")))
    else:
        assert command.startswith("tensorboard --logdir outputs")


@pytest.mark.parametrize("start", NOT_RUN)
def test_a_command_that_is_not_run_is_there(start: str) -> None:
    assert any(command.startswith(start) for command in COMMANDS)


def test_it_sees_commands_in_every_form(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Run `make lint` or `python\na.py`.\n\n    python b.py x='# y'   # a comment\n    repeat best  python no.py\n\n"
        "```\npip install c\n```\n\n```python\nmake = 1\npython = 2\n```\n"
    )
    assert commands(page) == ["pip install c", "python b.py x='# y'", "make lint", "python a.py"]
