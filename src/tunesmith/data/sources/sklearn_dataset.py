"""Data sets that ship with scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tunesmith.data.arrays import Arrays, narrow
from tunesmith.errors import UserError, closest

NAMES = ("breast_cancer", "diabetes", "digits", "iris", "wine")


@dataclass(frozen=True)
class SklearnDataset:
    """One of breast_cancer, diabetes, digits, iris, wine; values as they were measured."""

    name: str

    def load(self) -> Arrays:
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
