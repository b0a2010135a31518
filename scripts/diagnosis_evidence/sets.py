"""The data sets on which faults are planted: as arrays, and as overrides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import yaml
from numpy.typing import NDArray

from project.data.moons import Moons
from tunesmith.config.folder import CONF
from tunesmith.data.arrays import Source
from tunesmith.data.sources.images import Mnist5k
from tunesmith.data.sources.sklearn_dataset import SklearnDataset

Values = NDArray[np.float64]

# Thresholds are set on these alone.
DEV = ("digits", "breast_cancer", "wine", "diabetes")
HELD_OUT = ("mnist_5k", "iris", "moons", "blobs", "waves")
NUMBERS = ("diabetes", "waves")


@dataclass(frozen=True)
class Table:
    """inputs: (samples, *input_shape); targets: (samples,), int64 classes or float64 numbers."""

    inputs: Values
    targets: NDArray[np.int64] | Values

    @property
    def has_classes(self) -> bool:
        return self.targets.dtype == np.int64


@cache
def load(name: str) -> Table:
    """Return a data set whole; one that does not ship with tunesmith is made."""
    if name in MADE:
        return MADE[name](np.random.default_rng(0))
    arrays = _source(name).load()
    targets = np.asarray(arrays.targets)
    is_class = bool(arrays.classes) or targets.dtype == np.int64
    return Table(np.asarray(arrays.inputs, np.float64), targets.astype(np.int64 if is_class else np.float64))


def batch_size(name: str) -> int:
    """Return the batch size that conf/ gives the data set; a made one has 32."""
    if name in MADE:
        return 32
    keys = [yaml.safe_load((CONF / "data" / f"{file}.yaml").read_text()) for file in ("base", name)]
    return int({**keys[0], **keys[1]}["batch_size"])


@cache
def train_size(name: str) -> int:
    """Return the number of training samples: a fifth validates, a fifth tests."""
    num_samples = len(load(name).targets)
    return num_samples - 2 * int(np.ceil(round(0.2 * num_samples, 6)))


def scale(name: str) -> str:
    """Return how inputs are scaled unless that is the fault."""
    return "global" if name == "mnist_5k" else "standard"


def _source(name: str) -> Source:
    if name == "mnist_5k":
        return Mnist5k()
    return Moons(samples=1000, noise=0.2) if name == "moons" else SklearnDataset(name)


def _blobs(random: np.random.Generator) -> Table:
    """Six classes in 12 columns, which overlap a little."""
    centres = random.normal(size=(6, 12)) * 1.3
    targets = random.integers(0, 6, 900)
    return Table(centres[targets] + random.normal(size=(900, 12)), targets.astype(np.int64))


def _waves(random: np.random.Generator) -> Table:
    """A number that is a smooth function of four of eight columns, with noise of a fifth of its deviation."""
    inputs = random.uniform(-2, 2, size=(1000, 8))
    clean = np.sin(2 * inputs[:, 0]) + inputs[:, 1] * inputs[:, 2] + np.abs(inputs[:, 3])
    return Table(inputs, 40 + 8 * (clean + 0.2 * clean.std() * random.normal(size=1000)))


MADE = {"blobs": _blobs, "waves": _waves}
