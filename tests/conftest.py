"""The real command line in a subprocess, in a folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TRAIN = str(ROOT / "train.py")
# Small and without early stopping, so that a test knows how many epochs there are.
QUICK = ("model.hidden_units=16", "model.num_layers=1", "data.batch_size=256", "callbacks=none", "logger=none")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


class Shell:
    """Runs commands in one folder, with this checkout's src/ and tests/faults importable."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {
            **{name: value for name, value in os.environ.items() if name != "HYDRA_FULL_ERROR"},
            "PYTHONPATH": os.pathsep.join(str(ROOT / name) for name in ("src", "tests/faults")),
        }

    def train(self, *arguments: str, **env: str) -> Ended:
        return self.python(TRAIN, *arguments, **env)

    def python(self, *arguments: str, **env: str) -> Ended:
        process = self.start(*arguments, **env)
        try:
            out, err = process.communicate(timeout=240)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return Ended(process.returncode, out, err)

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # a shell that runs a test in the background leaves Ctrl-C ignored
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
        )

    def study(self, name: str) -> Path:
        return self.folder / "outputs" / "sweeps" / name


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture(scope="module")
def module_shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """One folder for the tests of a file that look at one outcome from several sides."""
    return Shell(tmp_path_factory.mktemp("shell"))


FinishedRun = Callable[..., Path]
