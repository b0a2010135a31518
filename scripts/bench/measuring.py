"""What all figures need: this machine in words, commands in processes of their own, and measurements taken in turn."""

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
TRAIN = str(ROOT / "train.py")


def machine() -> str:
    import torch

    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ", no GPU"
    return f"{model}, {os.cpu_count()} cores{gpu}; Python {platform.python_version()}, torch {torch.__version__}"


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds of wall clock, and of CPU (user and system) in all of its processes."""

    wall: float
    cpu: float


def call(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Run Python with these arguments in a folder and return what it prints; env is added to the environment."""
    environment = {**os.environ, **(env or {})}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


def cost_of(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> tuple[Cost, str]:
    """Run Python as `call` does; return what that took and what it printed."""
    before, started = _cpu_of_children(), time.perf_counter()
    printed = call(folder, *arguments, env=env)
    return Cost(time.perf_counter() - started, _cpu_of_children() - before), printed


def _cpu_of_children() -> float:
    """Return the CPU seconds of all processes that were started here and have ended, and of those that they started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def timed(function: Callable[[], object]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def in_turn(sides: Mapping[str, Callable[[], float]], rounds: int, warm_up: int = 1) -> dict[str, list[float]]:
    """Measure all sides one after the other, again and again, because the machine's speed drifts.

    Returns: side -> its values of each round; the first warm_up rounds are left out.
    """
    found: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(warm_up + rounds):
        for side, measure in sides.items():
            value = measure()
            if number >= warm_up:
                found[side].append(value)
    return found


def ratio(values: Sequence[float], others: Sequence[float]) -> float:
    """Return the median of the rounds' ratios."""
    return median(value / other for value, other in zip(values, others, strict=True))


def each(values: Sequence[float], form: str = ".2f") -> str:
    return ", ".join(format(value, form) for value in values)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
