"""Recorded runs, read from their folders, and which plants did harm."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

import numpy as np
from recording import PLANT_FILE

from tunesmith.insight.means import standard_error
from tunesmith.run_folder import RESULT_FILE, TEST_FILE, TEST_OUTPUTS_FILE, read_metrics, read_yaml

HEALTHY = "healthy_default"
# Prefixes of plants in a net of their own, which has a healthy run of its own.
NETS = ("cnn_", "residual_")
PRESENCE = "presence"


@dataclass(frozen=True)
class Recorded:
    """A run whose fault is known; names: () if it is healthy; harm: see recording.Job."""

    folder: Path
    group: str
    plant: str
    set: str
    seed: int
    names: tuple[str, ...]
    harm: str

    @property
    def is_healthy(self) -> bool:
        return not self.names

    @property
    def healthy_twin(self) -> str:
        """The healthy plant that this one is compared with."""
        return next((net for net in NETS if self.plant.startswith(net)), "") + HEALTHY


Cells = Mapping[tuple[str, str, str], Sequence[Recorded]]


def read_runs(root: Path, groups: Iterable[str]) -> list[Recorded]:
    """Return the recorded runs of some groups, in the order of their folders."""
    paths = [path for group in groups for path in sorted((root / group).glob(f"*/*/*/{PLANT_FILE}"))]
    return [_read(path) for path in paths if (path.parent / RESULT_FILE).is_file()]


def _read(path: Path) -> Recorded:
    plant = json.loads(path.read_text())
    where = (plant[key] for key in ("group", "plant", "set", "seed"))
    return Recorded(path.parent, *where, tuple(plant["names"]), plant["harm"])


def by_cell(runs: Iterable[Recorded]) -> Cells:
    """Return the runs of each group, plant and set: they differ in their seed."""
    cells: dict[tuple[str, str, str], list[Recorded]] = defaultdict(list)
    for run in runs:
        cells[run.group, run.plant, run.set].append(run)
    return cells


def hurts(cell: Sequence[Recorded], cells: Cells) -> bool:
    """Whether a plant counts: its median error is above the healthy one by 2 standard errors of that one's mean.

    A plant that fools the test part too counts, and so does one that has nothing to be compared with.
    """
    first = cell[0]
    twins = cells.get((first.group, first.healthy_twin, first.set), ())
    if first.harm == PRESENCE or len(twins) < 2:
        return True
    healthy = [error(run.folder, first.harm) for run in twins]
    return median_error(cell) > median(healthy) + 2 * standard_error(healthy)


def median_error(cell: Sequence[Recorded]) -> float:
    return median(error(run.folder, run.harm) for run in cell)


@cache
def error(folder: Path, harm: str) -> float:
    """Return what harm is judged by: on the test part the cross entropy, or squared error in variances of the targets.

    Infinite if the run diverged; harm=last: the last epoch's validation loss.
    """
    if harm == "last":
        rows = read_metrics(folder)
        return float(rows[-1]["val/loss"]) if rows else float("inf")
    if not (folder / TEST_FILE).is_file():
        return float("inf")
    with np.load(folder / TEST_OUTPUTS_FILE) as kept:
        if str(kept["kind"]) != "numbers":
            return float(read_yaml(folder / TEST_FILE)["test/loss"])
        targets = kept["targets"].astype(np.float64)
        return float(np.square(kept["outputs"] - targets).mean() / targets.var())
