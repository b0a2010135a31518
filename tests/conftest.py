"""The real command line in a subprocess, in a folder of its own."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from services.daemon import S, ServiceError, running

if TYPE_CHECKING:
    from services.postgres import Postgres
    from services.slurm import Slurm

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


# Each line it reads is a command; a fork of it runs that and ends as any Python does.
LOADED = """
import json, os, runpy, sys
from tunesmith.cli import load_training
load_training()
for line in sys.stdin:
    if os.fork() == 0:
        break
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
else:
    sys.exit()
folder, env, files, sys.argv = json.loads(line)
os.chdir(folder)
os.environ.update(env)
for number, name in enumerate((os.devnull, *files)):
    os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
sys.path.insert(0, os.path.dirname(sys.argv[0]))
sys.orig_argv = [sys.executable, *sys.argv]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class LoadedShell(Shell):
    """Its commands are forks of one Python that has imported what trains: 3 s less for each. Signals are for Shell."""

    def __init__(self, folder: Path, loaded: subprocess.Popen[str], files: Path) -> None:
        super().__init__(folder)
        self._loaded, self._files = loaded, files

    def python(self, *arguments: str, **env: str) -> Ended:
        files = [self._files / name for name in ("out", "err")]
        for file in files:
            file.write_text("")
        command = (str(self.folder), env, [str(file) for file in files], arguments)
        assert self._loaded.stdin is not None
        assert self._loaded.stdout is not None
        print(json.dumps(command), file=self._loaded.stdin, flush=True)
        return Ended(int(self._loaded.stdout.readline()), *(file.read_text() for file in files))


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """One Python for the loaded shells of all files."""
    folder = tmp_path_factory.mktemp("loaded")
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", LOADED],
        cwd=folder,
        env=Shell(folder).env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process


@pytest.fixture
def loaded_shell(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, loaded: subprocess.Popen[str]
) -> LoadedShell:
    return LoadedShell(tmp_path, loaded, tmp_path_factory.mktemp("output"))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture(scope="module")
def module_shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """One folder for the tests of a file that look at one outcome from several sides."""
    return Shell(tmp_path_factory.mktemp("shell"))


@contextmanager
def started(service: Callable[[Path], S]) -> Iterator[S]:
    """A running service, or the test's failure with the reason alone."""
    try:
        with running(service) as it:
            yield it
    except ServiceError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for all tests; make_database gives a test its own database."""
    from services.postgres import Postgres  # psycopg and SQLAlchemy: for these tests alone

    with started(Postgres) as server:
        yield server


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    """A Slurm cluster for all tests; cancel_all ends what a test has left."""
    from services.slurm import Slurm

    with started(Slurm) as cluster:
        yield cluster


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leave what the tests import out of garbage collections, as train.py does: it stays to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


FinishedRun = Callable[..., Path]
