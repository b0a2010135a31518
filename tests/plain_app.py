"""An app without torch, so that a test of workers takes a second: its sweeps, and what they leave behind."""

from __future__ import annotations

import csv
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from textwrap import dedent, indent

import optuna
import psutil
from conftest import Ended, Shell
from optuna.trial import FrozenTrial

from tunesmith.search.storage.storage import open_journal

# What a test waits for, at most: nothing of it takes a tenth of that on an idle machine.
PATIENCE_S = 90
# What a trial sleeps that has to be ended: longer than any test waits.
FOREVER_S = 600

APP = """
import os, signal, sys, time
from pathlib import Path
import hydra
import tunesmith

STARTED = Path("started")

def started(cfg):
    '''Tell the test that the trial runs; whether it is the first time that it does.'''
    path = STARTED / str(cfg.x)
    is_first = not path.exists()
    STARTED.mkdir(exist_ok=True)
    path.write_text(str(os.getpid()))
    return is_first

def meet_workers(number):
    '''Wait until as many workers have begun a trial.'''
    folder = Path("workers")
    folder.mkdir(exist_ok=True)
    (folder / os.environ["TUNESMITH_WORKER"]).touch()
    while len(list(folder.iterdir())) < number:
        time.sleep(0.02)

@hydra.main(version_base="1.3", config_path=".", config_name="app")
def main(cfg):
{body}

def broken(config, trial):
    if "TUNESMITH_WORKER" in os.environ:  # the sweep itself has tried it, before it started workers
        raise ZeroDivisionError("a bug in the space")

if __name__ == "__main__":
    main()
"""

CONFIG = """
defaults:
  - _self_
  - override hydra/sweeper: tunesmith
  - override hydra/sweeper/sampler: random
  - override hydra/sweeper/pruner: none
x: 0
hydra:
  sweep:
    dir: outputs/sweeps/s
    subdir: ${hydra.job.num}
  sweeper:
    study_name: s
"""


def app(shell: Shell, body: str, before: str = "") -> None:
    (shell.folder / "app.py").write_text(before + APP.format(body=indent(dedent(body), "    ")))
    (shell.folder / "app.yaml").write_text(CONFIG)


def sweep(shell: Shell, *arguments: str) -> Ended:
    return shell.python("app.py", "-m", *arguments)


def trials(shell: Shell) -> list[FrozenTrial]:
    storage = open_journal(shell.study("s") / "study.journal")
    return optuna.load_study(study_name="s", storage=storage).trials


def rows(shell: Shell) -> list[dict[str, str]]:
    return list(csv.DictReader((shell.study("s") / "trials.csv").read_text().splitlines()))


def processes(shell: Shell) -> list[psutil.Process]:
    """The processes that were started in the test's folder and live."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cwd() == str(shell.folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def wait_until(condition: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)


def has_started(shell: Shell, *names: int) -> bool:
    return all((shell.folder / "started" / str(name)).exists() for name in names)


def begun(shell: Shell, *arguments: str, names: tuple[int, ...] = (0,)) -> subprocess.Popen[str]:
    """A sweep whose trials of these values of x have begun."""
    command = shell.start("app.py", "-m", *arguments)
    try:
        wait_until(lambda: has_started(shell, *names))
    except AssertionError:
        command.kill()
        print(*command.communicate())
        raise
    return command


def ended(command: subprocess.Popen[str], seconds: float = PATIENCE_S) -> Ended:
    out, err = command.communicate(timeout=seconds)
    return Ended(command.returncode, out, err)
