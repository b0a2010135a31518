"""Toy problems that each show one lesson; drawn by numpy's legacy generator with seed 42."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tunesmith.data.arrays import Arrays

SEED = 42


@dataclass(frozen=True)
class Quadratic:
    """Input 1, target 0 in every sample: a weight w has error w^2 and gradient 2w (model=linear, loss=mse)."""

    samples: int

    def load(self) -> Arrays:
        ones = np.ones((self.samples, 1), dtype=np.float32)
        return Arrays(ones, np.zeros(self.samples, dtype=np.float32), columns=("one",))


@dataclass(frozen=True)
class Line:
    """y = 3x + 2 + noise; x and noise are normal with standard deviations 1 and `noise`."""

    samples: int
    noise: float

    def load(self) -> Arrays:
        random = np.random.RandomState(SEED)
        x = random.randn(self.samples)
        y = 3 * x + 2 + self.noise * random.randn(self.samples)
        return Arrays(x[:, None].astype(np.float32), y.astype(np.float32), columns=("x",))


@dataclass(frozen=True)
class Xor:
    """Four normal blobs (standard deviation `sigma`) round the corners of the unit square; class: XOR of the corner.

    test_samples: test samples per class, drawn after the others.
    """

    samples_per_class: int
    test_samples: int
    sigma: float

    def load(self) -> Arrays:
        random = np.random.RandomState(SEED)
        drawn = [self._draw(random, number) for number in (self.samples_per_class, self.test_samples)]
        inputs, targets = (np.concatenate(arrays) for arrays in zip(*drawn, strict=True))
        return Arrays(
            inputs.astype(np.float32),
            targets.astype(np.int64),
            columns=("a", "b"),
            classes=("equal", "different"),
            num_test=2 * self.test_samples,
        )

    def _draw(self, random: np.random.RandomState, per_class: int) -> tuple[np.ndarray, np.ndarray]:
        corners = np.array([(0, 0), (1, 1), (0, 1), (1, 0)])
        sizes = [per_class - per_class // 2, per_class // 2] * 2
        centres = np.repeat(corners, sizes, axis=0)
        return centres + self.sigma * random.randn(*centres.shape), centres[:, 0] ^ centres[:, 1]
