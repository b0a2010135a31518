"""(d), (l) and (m): the main job, `train.py -m`, against an expert's plain loop and against an earlier commit.

All three are read off the same sweeps: for each search seed the earlier commit, this one and scripts/expert_loop.py run
one after the other.
"""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

from measuring import ROOT, Cost, call, cost_of, each, ratio, temporary_folder

SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Search:
    """What a search of 30 trials took, how many epochs it trained, and the best value that it found."""

    cost: Cost
    epochs: int
    best: float

    def __str__(self) -> str:
        return f"{self.cost.cpu:.1f} s of CPU, {self.epochs} epochs, best {self.best:.4f}"


def compare_wall_clock(before: str) -> str:
    ours, expert = ([search.cost.wall / search.epochs * 1e3 for search in searches(before)[side]] for side in _SIDES)
    return (
        f"{median(ours):.1f} ms an epoch of the whole job, the expert's loop {median(expert):.1f} ms: "
        f"{_as_text(ours, expert)} (limit 1.3x)"
    )


def compare_with_before(before: str) -> str:
    found = searches(before)
    if "before" not in found:
        return f"not measured: this clone has no commit {before}; --before names another one, or a folder"
    for seed, earlier, ours in zip(SEEDS, found["before"], found["ours"], strict=True):
        print(f"    seed {seed}: {ours}; before {earlier}", flush=True)
    ours, earlier = (cpu_per_epoch(found[side]) for side in ("ours", "before"))
    return (
        f"{median(ours):.1f} ms of CPU per trained epoch of the whole job, at {before} {median(earlier):.1f} ms: "
        f"{_as_text(ours, earlier)} (limit .55x)"
    )


def compare_with_expert(before: str) -> str:
    found = searches(before)
    for seed, ours, expert in zip(SEEDS, found["ours"], found["expert"], strict=True):
        print(f"    seed {seed}: {ours}; the expert's loop {expert}", flush=True)
    ours, expert = (cpu_per_epoch(found[side]) for side in _SIDES)
    return (
        f"{median(ours):.1f} ms of CPU per trained epoch of the whole job, the expert's loop {median(expert):.1f} ms: "
        f"{_as_text(ours, expert)} (limit .6x)"
    )


_SIDES = ("ours", "expert")


def cpu_per_epoch(found: Sequence[Search]) -> list[float]:
    """Return milliseconds of CPU per trained epoch."""
    return [search.cost.cpu / search.epochs * 1e3 for search in found]


def _as_text(values: Sequence[float], others: Sequence[float]) -> str:
    ratios = [value / other for value, other in zip(values, others, strict=True)]
    return f"{ratio(values, others):.2f}x, median of {each(ratios)}"


@cache
def searches(before: str) -> dict[str, list[Search]]:
    """Return side -> its search with each seed; the side `before` is missing if there is no such commit."""
    found: dict[str, list[Search]] = {"before": [], "ours": [], "expert": []}
    with earlier_code(before) as earlier:
        for seed in SEEDS:
            if earlier is not None:
                found["before"].append(search(seed, earlier))
            found["ours"].append(search(seed, ROOT))
            found["expert"].append(search_of_expert(seed))
    return {side: searched for side, searched in found.items() if searched}


def search(seed: int, code: Path) -> Search:
    """Run the main job of a copy of the project."""
    with temporary_folder() as folder:
        # src/ of the copy stands before the installed project.
        env = {"PYTHONPATH": str(code / "src")}
        cost, _ = cost_of(folder, str(code / "train.py"), "-m", "study_name=s", f"seed={seed}", env=env)
        return read_search(folder, cost)


def read_search(folder: Path, cost: Cost) -> Search:
    from tunesmith.run_folder import read_yaml

    results = read_yaml(folder / "outputs" / "sweeps" / "s" / "optimization_results.yaml")
    return Search(cost, int(results["epochs"]["run"]), float(results["best_value"]))


def search_of_expert(seed: int) -> Search:
    cost, printed = cost_of(ROOT, str(ROOT / "scripts" / "expert_loop.py"), "--seed", str(seed))
    told = json.loads(printed)
    return Search(cost, told["epochs"], told["best"])


@contextmanager
def earlier_code(before: str) -> Iterator[Path | None]:
    """Yield a folder with the code of a commit of this clone, or the folder itself; None if there is no such commit."""
    if Path(before).is_dir():
        yield Path(before).absolute()
        return
    with temporary_folder() as folder:
        archive = subprocess.run(["git", "archive", before], cwd=ROOT, capture_output=True)
        if archive.returncode != 0:
            yield None
            return
        subprocess.run(["tar", "--extract"], cwd=folder, input=archive.stdout, check=True)
        loaded = call(folder, "-c", "import tunesmith; print(tunesmith.__file__)", env={"PYTHONPATH": f"{folder}/src"})
        assert Path(loaded.strip()).is_relative_to(folder), loaded
        yield folder
