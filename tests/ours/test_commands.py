"""Every command of README, CONTRIBUTING and docs/ that trains for an epoch, or looks at what a run or a sweep left.

A command is a fork of one Python that has loaded a copy of the project; tests/ours/pages.py says which are not run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from conftest import TRAINS, LoadedPythons, Shell
from copies import copy_project, make_shell, run, succeed
from pages import RUNS, SCRIPTS

# One epoch of two batches.
SHORT = ("trainer.max_epochs=1", "++trainer.limit_train_batches=2", "++trainer.limit_val_batches=1")


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """The project after a run and the studies whose folders commands name."""
    folder = tmp_path_factory.mktemp("project")
    copy_project(folder)
    pythons = LoadedPythons(tmp_path_factory.mktemp)
    shell = make_shell(folder, folder, pythons, TRAINS)
    succeed(run(shell, "python train.py model=residual hydra.run.dir=outputs/runs/date/time", *SHORT))
    for study in sorted(set(re.findall(r"outputs/sweeps/(\w+)", " ".join(SCRIPTS)))):
        succeed(run(shell, f"python train.py -m study_name={study} space=none seed=0,1", *SHORT))
    yield shell
    pythons.end()


def test_there_are_commands_of_each_kind() -> None:
    assert (len(RUNS) > 15, len(SCRIPTS) > 5) == (True, True)


@pytest.mark.parametrize("command", RUNS)
def test_a_run_trains(left: Shell, command: str) -> None:
    longer = ["trainer.max_epochs=4"] if "warmup_epochs" in command else []  # a warm-up is shorter than the run
    short = SHORT[:1] if "engine=lean" in command else SHORT  # a limit of batches is Lightning's
    succeed(run(left, command, *short, *longer))


@pytest.mark.parametrize("command", SCRIPTS)
def test_a_script_runs(left: Shell, command: str) -> None:
    succeed(run(left, command))
