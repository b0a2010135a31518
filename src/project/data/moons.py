"""Two half moons, as an example of a data set: python train.py data=moons"""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import make_moons

from tunesmith.data.arrays import Arrays


@dataclass(frozen=True)
class Moons:
    """A source: its fields are keys of conf/data/moons.yaml. One copy of its arrays is kept per process."""

    samples: int
    noise: float

    def load(self) -> Arrays:
        """Return inputs (samples, 2), float32, and targets (samples,), int64: which of the two moons."""
        inputs, targets = make_moons(self.samples, noise=self.noise, random_state=0)
        return Arrays(inputs.astype(np.float32), targets.astype(np.int64))
