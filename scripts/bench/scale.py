"""How many workers a storage carries, measured in one run: python scripts/bench/scale.py

Measures on each storage how many trials per second several processes run at once, in studies with histories of several
lengths; a trial is ask, 6 suggestions, 5 reports and tell. It also measures what opening a study and the sampler cost.
Prints Markdown. If PostgreSQL is installed, a server is started on loopback. Databases have their default settings.
"""

import argparse
import multiprocessing
import os
import platform
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median
from typing import Any

import optuna
import psutil
from measuring import machine, temporary_folder
from optuna.trial import TrialState
from scale_storages import SPACE, close, execute, make_history, opened, postgresql, run_trial, size

from tunesmith.search.storage.storage import JOURNAL_FILE

STORAGES = ("journal", "sqlite", "postgresql")
SAMPLERS = {
    "random": (optuna.samplers.RandomSampler, 10_000),
    "tpe": (optuna.samplers.TPESampler, 10_000),
    "qmc": (optuna.samplers.QMCSampler, 10_000),
    "cmaes": (optuna.samplers.CmaEsSampler, 10_000),
    "gp": (optuna.samplers.GPSampler, 1_000),  # with a longer history a suggestion takes minutes
}
SUGGESTIONS = 10
NO_LIMIT = 1_000_000


def main() -> None:
    arguments = _arguments()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    print(f"`python {' '.join(sys.argv)}`\n")
    print(f"{machine()}; Optuna {optuna.__version__}, {platform.system()} {platform.release()}\n")
    with temporary_folder() as folder, _servers(arguments, folder) as servers:
        print(f"A forced write of the disk (fsync) takes {1000 * _fsync(folder):.1f} ms.\n")
        rows, costs = [], []
        for name, url in servers.items():
            for history in arguments.history:
                place = Place(folder / f"{name}-{history}", name, url, history)
                costs.append(place.cost())
                rows.append([name, history, *(place.rate(n, arguments.seconds) for n in arguments.processes)])
        _table("Trials per second, all processes together", ["storage", "history", *arguments.processes], rows)
        _table("A worker's start", ["storage", "history", "seconds to open", "MiB of memory", "MiB on disk"], costs)
        suggested = _samplers(arguments.samplers, arguments.history)
        _table("Milliseconds to suggest a trial's 6 values", ["sampler", *arguments.history], suggested)


class Place:
    """A storage with a study that has a history; each measurement starts from a copy, because it adds trials."""

    def __init__(self, folder: Path, name: str, server: str | None, history: int) -> None:
        """server: URL of a PostgreSQL server, without a database."""
        self._row = [name, history]
        self._folder, self._name, self._server, self._history = folder, name, server, history
        folder.mkdir()
        if name == "postgresql":
            execute(f"{server}/postgres", f"CREATE DATABASE history_{history}")
        make_history(self._url("history"), folder, history)

    def cost(self) -> list[object]:
        """Return the seconds and the memory that opening the study takes, and the size of the storage."""
        self._copy()
        (answer,) = _in_processes(1, _open, self._url("copy"), self._folder / "copy")
        return [*self._row, f"{answer[0]:.2f}", f"{answer[1] / 2**20:.0f}", f"{self._size() / 2**20:.1f}"]

    def rate(self, processes: int, seconds: float) -> str:
        """Return trials per second; the processes' counts must add up to the trials that the study has afterwards."""
        self._copy()
        url, folder = self._url("copy"), self._folder / "copy"
        answers = _in_processes(processes, _run_trials, url, folder, seconds)
        study = opened(url, folder)
        counted = len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))) - self._history
        close(study)
        assert counted == sum(number for number, _ in answers)
        rate = sum(number / took for number, took in answers)
        print(*self._row, processes, f"{rate:.1f} trials/s", file=sys.stderr, flush=True)
        return f"{rate:.1f}"

    def _url(self, which: str) -> str | None:
        if self._name == "journal":
            return None
        if self._name == "sqlite":
            folder = self._folder if which == "history" else self._folder / which
            return f"sqlite:///{folder}/study.db"
        return f"{self._server}/{which}_{self._history}"

    def _copy(self) -> None:
        copy = self._folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for name in (JOURNAL_FILE, "study.db"):
            if (self._folder / name).exists():
                shutil.copy(self._folder / name, copy / name)
        if self._name == "postgresql":
            execute(f"{self._server}/postgres", f"DROP DATABASE IF EXISTS copy_{self._history}")
            copying = f"CREATE DATABASE copy_{self._history} TEMPLATE history_{self._history}"
            execute(f"{self._server}/postgres", copying)

    def _size(self) -> int:
        if self._name == "postgresql":
            return size(str(self._url("copy")))
        return sum(path.stat().st_size for path in (self._folder / "copy").iterdir())


def _in_processes(number: int, work: Callable[..., Any], *arguments: object) -> list[Any]:
    """Call work in several processes at the same time; return the answer of each process."""
    context = multiprocessing.get_context("fork")  # forked processes need not import again
    barrier, answers = context.Barrier(number), context.SimpleQueue()

    def begin() -> None:
        answers.put(work(barrier, *arguments))

    processes = [context.Process(target=begin) for _ in range(number)]
    for process in processes:
        process.start()
    found = [answers.get() for _ in processes]
    for process in processes:
        process.join()
    return found


def _run_trials(barrier: Barrier, url: str | None, folder: Path, seconds: float) -> tuple[int, float]:
    """Run trials for some seconds, the last one to its end; return their number and the seconds taken."""
    study = opened(url, folder)
    study.get_trials(deepcopy=False)
    barrier.wait()
    begin, number = time.monotonic(), 0
    while time.monotonic() - begin < seconds:
        run_trial(study, NO_LIMIT, folder)
        number += 1
    return number, time.monotonic() - begin


def _open(barrier: Barrier, url: str | None, folder: Path) -> tuple[float, int]:
    """Return the seconds and the bytes of memory that opening a study takes."""
    begin, before = time.monotonic(), psutil.Process().memory_info().rss
    study = opened(url, folder)
    study.get_trials(deepcopy=False)
    return time.monotonic() - begin, psutil.Process().memory_info().rss - before


def _samplers(names: list[str], histories: list[int]) -> Iterator[list[object]]:
    for name in names:
        sampler, most = SAMPLERS[name]
        row: list[object] = [name]
        for history in histories:
            row.append(f"{_suggestion(sampler(seed=0), history):.1f}" if history <= most else "-")
            print(name, history, f"{row[-1]} ms a suggestion", file=sys.stderr, flush=True)
        yield row


def _suggestion(sampler: optuna.samplers.BaseSampler, history: int) -> float:
    """Return the median milliseconds to suggest a trial's values, in a study in memory with a random history."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    distributions = {key: dimension.distribution for key, dimension in SPACE.dimensions.items()}
    for number in range(history):
        study.tell(study.ask(distributions), number * 37 % 101 / 101)
    study.sampler = sampler
    took = []
    for _ in range(SUGGESTIONS):
        begin = time.monotonic()
        trial = study.ask()
        for dimension in SPACE.dimensions.values():
            dimension.suggest(trial)
        took.append(time.monotonic() - begin)
        study.tell(trial, 0.5)
    return 1000 * median(took)


def _fsync(folder: Path) -> float:
    took = []
    with (folder / "fsync").open("wb") as file:
        for _ in range(20):
            file.write(b"x" * 100)
            begin = time.monotonic()
            file.flush()
            os.fsync(file.fileno())
            took.append(time.monotonic() - begin)
    return median(took)


def _table(title: str, head: list[object], rows: Iterator[list[object]] | list[list[object]]) -> None:
    print(f"### {title}\n")
    for row in (head, ["---"] * len(head), *rows):
        print(f"| {' | '.join(map(str, row))} |")
    print(flush=True)


@contextmanager
def _servers(arguments: argparse.Namespace, folder: Path) -> Iterator[dict[str, str | None]]:
    """Yield the storages to measure, name -> URL of its server; None if it needs no server."""
    chosen: dict[str, str | None] = dict.fromkeys(arguments.storages)
    if "postgresql" not in chosen:
        yield chosen
        return
    with postgresql(folder / "postgresql") as url:
        chosen["postgresql"] = url
        if url is None:
            del chosen["postgresql"]
            print("PostgreSQL is not installed and was skipped.\n")
        yield chosen


def _arguments() -> argparse.Namespace:
    def numbers(given: str) -> list[int]:
        return [int(number) for number in given.split(",")]

    def names_of(options: Iterable[str]) -> Callable[[str], list[str]]:
        def names(given: str) -> list[str]:
            if unknown := set(given.split(",")) - set(options):
                raise argparse.ArgumentTypeError(f"must be of {', '.join(options)}; got {', '.join(unknown)}")
            return given.split(",")

        return names

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--storages", type=names_of(STORAGES), default=list(STORAGES), help="of journal,sqlite,postgresql"
    )
    parser.add_argument("--samplers", type=names_of(SAMPLERS), default=list(SAMPLERS), help="of random,tpe,...")
    parser.add_argument("--processes", type=numbers, default=[1, 2, 4, 8, 16])
    parser.add_argument("--history", type=numbers, default=[100, 1000, 10000], help="trials that the study has")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    return parser.parse_args()


if __name__ == "__main__":
    main()
