"""Whether a program's fault hurts: the last epoch's error of its settings against those of its patch, over seeds."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from recording import PLANT_FILE

from tunesmith.data.sources.images import Mnist5k
from tunesmith.data.sources.sklearn_dataset import NAMES, SklearnDataset
from tunesmith.insight.means import standard_error
from tunesmith.run_folder import RESULT_FILE, read_metrics, read_yaml

# Of a training that diverged: as much as a squared error is cut at, in variances of the targets.
MOST_VARIANCES = 10.0


@dataclass(frozen=True)
class Harm:
    """Mean errors over the seeds, and two standard errors of their difference.

    An error is a share of wrong classes, or a mean squared error in variances of the targets.
    """

    faulty: float
    fixed: float
    two_errors: float

    @property
    def is_there(self) -> bool:
        return self.faulty - self.fixed > self.two_errors


def measure_harm(program: Path) -> Harm | None:
    """Return what a fault costs; program: a folder with faulty/SEED and fixed/SEED; None with fewer than two seeds."""
    faulty, fixed = ([last_error(run) for run in _runs(program / kind)] for kind in ("faulty", "fixed"))
    if min(len(faulty), len(fixed)) < 2:
        return None
    return Harm(fmean(faulty), fmean(fixed), 2 * math.hypot(standard_error(faulty), standard_error(fixed)))


def last_error(run: Path) -> float:
    """Return the error of a run's last epoch on its validation part; of one that diverged the largest."""
    targets = _targets(run)
    has_classes = targets.dtype.kind != "f"
    if read_yaml(run / RESULT_FILE)["state"] != "COMPLETE":
        return 1.0 if has_classes else MOST_VARIANCES
    last = read_metrics(run)[-1]
    if has_classes:
        return 1 - float(last["val/acc"])
    error = float(last["val/rmse"]) ** 2 / float(targets.var())
    return min(error, MOST_VARIANCES) if math.isfinite(error) else MOST_VARIANCES


def _runs(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob(f"*/{RESULT_FILE}"))


def _targets(run: Path) -> NDArray[np.generic]:
    """Return all targets of a run's data: floats are numbers to predict."""
    overrides: list[str] = json.loads((run / PLANT_FILE).read_text())["overrides"]
    values = dict(text.split("=", 1) for text in overrides if text.startswith("data"))
    if "data.path" in values:
        with np.load(values["data.path"]) as arrays:
            return np.asarray(arrays["targets"])
    return _shipped_targets(values["data"])


@cache
def _shipped_targets(name: str) -> NDArray[np.generic]:
    source = SklearnDataset(name) if name in NAMES else Mnist5k()
    return np.asarray(source.load().targets[:])
