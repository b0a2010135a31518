"""The real command line in a subprocess, in a folder of its own."""

from __future__ import annotations

import copy
import gc
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest
from omegaconf import OmegaConf
from services.chromium import running_chromium, watched_page
from services.daemon import S, ServiceError, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from services.postgres import Postgres
    from services.slurm import Slurm

ROOT = Path(__file__).parents[1]
TRAIN = str(ROOT / "train.py")
sys.path.append(str(ROOT / "tests" / "faults"))  # its Hydra plugin keeps conf/local out of the tests
PYTHONPATH = os.pathsep.join(str(ROOT / name) for name in ("src", "tests/faults", "tests"))
# What a command may take: a hanging one fails its test.
TIMEOUT_S = 240
# Small and without early stopping, so that a test knows how many epochs there are; what is killed has saved them all.
QUICK = (
    *("model.hidden_units=16", "model.num_layers=1", "data.batch_size=256", "callbacks=none", "logger=none"),
    "trainer.save_interval=0",
)


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
    """Runs commands in one folder, with this checkout's src/ and tests/faults importable; each starts a Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {
            **{name: value for name, value in os.environ.items() if name != "HYDRA_FULL_ERROR"},
            "PYTHONPATH": PYTHONPATH,
        }

    def train(self, *arguments: str, **env: str) -> Ended:
        return self.python(TRAIN, *arguments, **env)

    def python(self, *arguments: str, **env: str) -> Ended:
        process = self.start(*arguments, **env)
        try:
            out, err = process.communicate(timeout=TIMEOUT_S)
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
            preexec_fn=let_ctrl_c_end,
        )

    def study(self, name: str) -> Path:
        return self.folder / "outputs" / "sweeps" / name


def let_ctrl_c_end() -> None:
    """Undo what a shell does to a test that it runs in the background: it leaves Ctrl-C ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


# What a sweep of an app without torch imports, and Hydra's search for plugins.
SWEEPS = """
import tunesmith.search.sweep
from hydra.core.plugins import Plugins
Plugins.instance()
"""
# What training scripts import as well, the parts that they import late among them.
TRAINING_SCRIPTS = {
    ROOT / "train.py",
    *(ROOT / "scripts" / f"{name}.py" for name in ("evaluate", "predict", "lr_find", "diagnose")),
}
TRAINS = f"""{SWEEPS}
from tunesmith.cli import load_training
load_training()
import pandas, sklearn.datasets, sklearn.model_selection, sklearn.preprocessing
"""
# Each line it reads is a command; a fork of it runs that and ends as any Python does. It tells the fork's pid, then how
# the fork ended.
FORKS = """
import gc, json, os, runpy, sys
gc.freeze()
print("loaded", flush=True)
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        break
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
else:
    sys.exit()
folder, env, files, sys.argv = json.loads(line)
os.chdir(folder)
os.environ.clear()
os.environ.update(env)
for number, name in enumerate((os.devnull, *files)):
    os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
sys.path.insert(0, os.path.dirname(sys.argv[0]))
sys.orig_argv = [sys.executable, *sys.argv]
if sys.argv[0] == "-m":
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
else:
    runpy.run_path(sys.argv[0], run_name="__main__")
"""


class LoadedPython:
    """A Python that has imported a lot once, and runs each script in a fork of itself."""

    def __init__(self, imports: str, folder: Path) -> None:
        self._output = [folder / name for name in ("out", "err")]
        with (folder / "warnings").open("w") as warnings:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", imports + FORKS],
                cwd=folder,
                env=Shell(folder).env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=warnings,
                text=True,
                preexec_fn=let_ctrl_c_end,
            )
        assert self._answer() == "loaded"
        assert (folder / "warnings").read_text() == ""

    def run(self, folder: Path, env: dict[str, str], arguments: Sequence[str]) -> Ended:
        for file in self._output:
            file.write_text("")
        assert self._process.stdin is not None
        print(
            json.dumps((str(folder), env, list(map(str, self._output)), arguments)),
            file=self._process.stdin,
            flush=True,
        )
        pid = int(self._answer())
        timer = threading.Timer(TIMEOUT_S, os.kill, (pid, signal.SIGKILL))
        timer.start()
        code = int(self._answer())
        timer.cancel()
        return Ended(code, *(file.read_text() for file in self._output))

    def end(self) -> None:
        with self._process:
            self._process.terminate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


class LoadedPythons:
    """A loaded Python for each list of imports, started when it is first asked for."""

    def __init__(self, make_folder: Callable[[str], Path]) -> None:
        self._make_folder = make_folder
        self._of_imports: dict[str, LoadedPython] = {}

    def of(self, imports: str) -> LoadedPython:
        if imports not in self._of_imports:
            self._of_imports[imports] = LoadedPython(imports, self._make_folder("loaded"))
        return self._of_imports[imports]

    def end(self) -> None:
        for python in self._of_imports.values():
            python.end()


class LoadedShell(Shell):
    """A shell whose commands find their imports done, which saves 1 to 4 s each.

    start(), `python -c`, and a PYTHONPATH of the test's own start a new Python all the same.
    """

    def __init__(self, folder: Path, pythons: LoadedPythons, imports: str | None = None) -> None:
        """imports: None means TRAINS for what trains or evaluates, SWEEPS for a test's own app and other scripts."""
        super().__init__(folder)
        self._pythons, self._imports = pythons, imports

    def python(self, *arguments: str, **env: str) -> Ended:
        env = {**self.env, **env}
        if arguments[0] == "-c" or env["PYTHONPATH"] != PYTHONPATH:
            return super().python(*arguments, **env)
        trains = arguments[:2] == ("-m", "tunesmith") or Path(arguments[0]) in TRAINING_SCRIPTS
        imports = self._imports or (TRAINS if trains else SWEEPS)
        return self._pythons.of(imports).run(self.folder, env, arguments)


@pytest.fixture(scope="session")
def pythons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadedPythons]:
    pythons = LoadedPythons(tmp_path_factory.mktemp)
    yield pythons
    pythons.end()


@pytest.fixture
def shell(tmp_path: Path, pythons: LoadedPythons) -> Shell:
    return LoadedShell(tmp_path, pythons)


@pytest.fixture
def nothing_left(shell: Shell) -> Iterator[None]:
    """Fail a test that leaves a process behind in its folder."""
    from plain_app import processes

    yield
    left = processes(shell)
    for process in left:
        process.kill()
    assert left == []


@pytest.fixture
def light_shell(tmp_path: Path, pythons: LoadedPythons) -> Shell:
    """For commands of train.py that end before it imports torch: a fork without torch is twice as fast."""
    return LoadedShell(tmp_path, pythons, SWEEPS)


@pytest.fixture(scope="module")
def module_shell(tmp_path_factory: pytest.TempPathFactory, pythons: LoadedPythons) -> Shell:
    """One folder for the tests of a file that look at one outcome from several sides."""
    return LoadedShell(tmp_path_factory.mktemp("shell"), pythons)


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


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser for all tests."""
    try:
        with running_chromium() as browser:
            yield browser
    except ServiceError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """An empty page of a browser that reaches no network; the test fails if the page asks for one or has an error."""

    with watched_page(chromium) as watched:
        yield watched.page
        assert (watched.refused, watched.errors) == ([], [])


@pytest.fixture(scope="session", autouse=True)
def yaml_parsed_once() -> Iterator[None]:
    """Parse each text of YAML once in this process: Hydra reads some 50 files for each config."""
    load, parsed = OmegaConf.load, {}

    def load_once(file: str | Path | IO[str]) -> object:
        text = Path(file).read_text("utf-8") if isinstance(file, str | Path) else file.read()
        if text not in parsed:
            parsed[text] = load(io.StringIO(text))
        return copy.deepcopy(parsed[text])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OmegaConf, "load", staticmethod(load_once))
        yield


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leave what the tests import out of garbage collections, as train.py does: it stays to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
