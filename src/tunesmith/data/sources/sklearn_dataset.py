"""Data sets that ship with scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tunesmith.data.arrays import Arrays, narrow
from tunesmith.errors import UserError, closest

NAMES = ("breast_cancer", "diabetes", "digits", "iris", "wine")


@dataclass(frozen=True)
class SklearnDataset:
    """One of breast_cancer, diabetes, digits, iris, wine; values as they were measured."""

    name: str

    def load(self) -> Arrays:
        if self.name == "digits" and (path := _digits_file()).is_file():
            rows = np.loadtxt(path, delimiter=",")
            classes = tuple(map(str, range(10)))
            return Arrays(narrow(rows[:, :-1].reshape(-1, 1, 8, 8)), rows[:, -1].astype(np.int64), classes=classes)
        return self._load()

    def _load(self) -> Arrays:
        from sklearn import datasets

        if self.name not in NAMES:
            hint = closest(self.name, NAMES).partition(" options")[0].rstrip(";")
            raise UserError(f"data.name must be one of {', '.join(NAMES)}; got '{self.name}'{hint}")
        options = {"scaled": False} if self.name == "diabetes" else {}
        bunch = getattr(datasets, f"load_{self.name}")(**options)
        images = bunch.get("images")
        has_classes = "target_names" in bunch
        return Arrays(
            inputs=narrow(bunch.data if images is None else images[:, None]),
            targets=bunch.target.astype(np.int64) if has_classes else narrow(bunch.target),
            columns=() if images is not None else tuple(map(str, bunch.feature_names)),
            classes=tuple(map(str, bunch.target_names)) if has_classes else (),
        )


def _digits_file() -> Path:
    """Return the file that load_digits reads: digits is what a run trains on if it names no data.

    scikit-learn itself takes 1.4 s of each process to import.
    """
    spec = find_spec("sklearn")
    return Path("" if spec is None or spec.origin is None else spec.origin).parent / "datasets/data/digits.csv.gz"
