"""Every command of README, CONTRIBUTING and docs/: runs train for an epoch, sweeps stop after their check, scripts run.

All commands are forks of one Python that has loaded a copy of the project, with the files added that the pages ask for.
"""

from __future__ import annotations

import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, TRAINS, Ended, LoadedPythons, LoadedShell, Shell
from conftest import SWEEPS as IMPORTS_OF_SWEEPS
from pages import PAGES, commands, files_to_add

COMMANDS = sorted({command for page in PAGES for command in commands(page)})
# How a command begins -> why no test of this file runs it.
NOT_RUN = {
    "python sphere.py": "an app of the reader's own: tests/integration/test_official_examples.py",
    "python train.py KEY=": "a form, not a command",
    "python train.py -m KEY=": "a form, not a command",
    "python scripts/plot.py FOLDER": "a form, not a command",
    "python scripts/bench": "minutes: figures",
    "python scripts/scale.py": "minutes: figures; tests/integration/test_scale.py",
    "python scripts/chaos.py": "minutes; tests/integration/test_chaos.py",
    "python train.py -m --config-dir": "tests/integration/test_sweep_command.py",
    "source ": "a shell's own word",
    "export ": "a shell's own word; tests/integration/test_postgres.py",
    "git ": "not ours",
}
TO_RUN = [command for command in COMMANDS if not command.startswith(tuple(NOT_RUN))]
SWEEPS = [command for command in TO_RUN if command.startswith("python train.py -m")]
TELLING = [command for command in TO_RUN if re.match(r"python train\.py .*(?:--help|--cfg)", command)]
RUNS = [command for command in TO_RUN if command.startswith("python train.py") and command not in SWEEPS + TELLING]
SCRIPTS = [command for command in TO_RUN if command.startswith("python scripts/")]
OTHERS = sorted({*TO_RUN} - {*SWEEPS, *TELLING, *RUNS, *SCRIPTS})
# One epoch of two batches.
SHORT = ("trainer.max_epochs=1", "++trainer.limit_train_batches=2", "++trainer.limit_val_batches=1")
TINY = ("model.hidden_units=16", "model.num_layers=1", "data.batch_size=256", *SHORT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project with the pages' files added, a table, and arrays."""
    folder = tmp_path_factory.mktemp("project")
    for part in ("conf", "src", "scripts"):
        shutil.copytree(ROOT / part, folder / part)
    shutil.copy(ROOT / "train.py", folder)
    for name, text in (file for page in PAGES for file in files_to_add(page).items()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    write_samples(folder)
    return folder


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadedPythons]:
    pythons = LoadedPythons(tmp_path_factory.mktemp)
    yield pythons
    pythons.end()


@pytest.fixture(scope="module")
def project(folder: Path, loaded: LoadedPythons) -> Shell:
    return LoadedShell(folder, loaded, of_copy(folder, TRAINS))


@pytest.fixture(scope="module")
def light_project(folder: Path, loaded: LoadedPythons, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """The same without outputs, for commands that end before they import torch: a fork without it is twice as fast."""
    empty = tmp_path_factory.mktemp("empty")
    shutil.copy(ROOT / "train.py", empty)
    write_samples(empty)
    return LoadedShell(empty, loaded, of_copy(folder, IMPORTS_OF_SWEEPS))


def write_samples(folder: Path) -> None:
    """Write the reader's own files that commands name."""
    for name, columns in {
        "table": ("x", "y", "column"),
        "labels": ("x", "spam", "urgent"),
        "series": ("x", "next_1", "next_2", "next_3"),
        "dated": ("date", "x", "y", "patient"),
    }.items():
        table = pd.DataFrame({column: np.arange(100) % (5 + 2 * i) for i, column in enumerate(columns)})
        days = pd.date_range("2026-01-01", periods=100).strftime("%Y-%m-%d")
        for column, values in (
            ("column", list("ab" * 50)),
            ("date", days),
            ("spam", [0, 1] * 50),
            ("urgent", [0, 0, 1, 1] * 25),
        ):
            if column in table:
                table[column] = values
        table.to_csv(folder / f"{name}.csv", index=False)
    draw = np.random.default_rng(0)
    rows, classes = draw.normal(size=(100, 4)).astype(np.float32), np.arange(100) % 2
    np.save(folder / "x.npy", rows)
    np.save(folder / "y.npy", classes)
    np.savez(folder / "arrays.npz", inputs=rows, targets=classes)
    np.savez(folder / "series.npz", inputs=rows, targets=rows[:, :3])
    np.savez(folder / "tokens.npz", inputs=draw.integers(1000, size=(100, 6)), targets=classes)
    images = draw.normal(size=(60, 1, 8, 8)).astype(np.float32)
    np.savez(folder / "masks.npz", inputs=images, targets=(images[:, 0] > 0).astype(np.int64) + (images[:, 0] > 1))


def of_copy(folder: Path, imports: str) -> str:
    return f"import sys\nsys.path.insert(0, {str(folder / 'src')!r})\n{imports}"


@pytest.fixture(scope="module")
def left(project: Shell) -> Shell:
    """The project after a run and a study, whose folders commands of the pages name."""
    succeed(run(project, "python train.py model=residual hydra.run.dir=outputs/runs/date/time", *SHORT))
    for study in sorted(set(re.findall(r"outputs/sweeps/(\w+)", " ".join(SCRIPTS)))):
        succeed(run(project, f"python train.py -m study_name={study} space=none seed=0,1", *TINY))
    return project


def run(shell: Shell, command: str, *more: str) -> Ended:
    words = shlex.split(command.replace("<date>/<time>", "date/time").replace("<folder>", "outputs/runs/date/time"))
    return shell.python(*words[1:], *more)


def succeed(ended: Ended) -> None:
    assert (ended.code, ended.err) == (0, "")


def test_there_are_commands_of_each_kind() -> None:
    assert [len(kind) > least for kind, least in ((SWEEPS, 20), (RUNS, 15), (SCRIPTS, 5), (OTHERS, 8))] == [True] * 4


@pytest.mark.parametrize("start", NOT_RUN)
def test_a_command_that_is_not_run_is_there(start: str) -> None:
    if start not in {"git ", "python scripts/bench"}:
        assert any(command.startswith(start) for command in COMMANDS)


@pytest.mark.parametrize("command", SWEEPS)
def test_a_sweep_passes_its_check(light_project: Shell, command: str) -> None:
    succeed(run(light_project, command, "hydra.sweeper.dry_run=true"))


@pytest.mark.parametrize("command", RUNS)
def test_a_run_trains(left: Shell, command: str) -> None:
    longer = ["trainer.max_epochs=4"] if "warmup_epochs" in command else []  # a warm-up is shorter than the run
    succeed(run(left, command, *SHORT, *longer))


@pytest.mark.parametrize("command", TELLING)
def test_help_is_told(light_project: Shell, command: str) -> None:
    succeed(run(light_project, command))


@pytest.mark.parametrize("command", SCRIPTS)
def test_a_script_runs(left: Shell, command: str) -> None:
    succeed(run(left, command))


@pytest.mark.parametrize("command", OTHERS)
def test_another_program_finds_what_it_needs(light_project: Shell, command: str) -> None:
    program, *words = shlex.split(command)
    if program == "make":
        assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif program == "pip":
        extra = re.fullmatch(r"tunesmith\[(\w+)\]", words[1])
        assert extra
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        assert extra[1] in extras
    elif program == "eval":
        succeed(run(light_project, words[0].removeprefix("$(").removesuffix(")")))
    else:
        assert command == "tensorboard --logdir outputs"


def test_it_sees_commands_in_every_form(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Run `make lint` or `python\na.py`.\n\n    python b.py x='# y'   # a comment\n    repeat best  python no.py\n\n"
        "```\npip install c\n```\n\n```python\nmake = 1\npython = 2\n```\n"
    )
    assert commands(page) == ["pip install c", "python b.py x='# y'", "make lint", "python a.py"]
