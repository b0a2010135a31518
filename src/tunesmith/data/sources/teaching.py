"""Problems of a few numbers, on which a lesson can be seen; drawn by numpy's legacy generator, seed 42."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tunesmith.data.arrays import Arrays

SEED = 42


@dataclass(frozen=True)
class Quadratic:
    """The error of a weight w is w^2 for every sample, its gradient 2w: input 1, target 0 (model=linear, loss=mse)."""

    samples: int

    def load(self) -> Arrays:
        ones = np.ones((self.samples, 1), dtype=np.float32)
        return Arrays(ones, np.zeros(self.samples, dtype=np.float32), columns=("one",))


@dataclass(frozen=True)
class Line:
    """y = 3x + 2 + noise, with x and noise drawn from normal distributions of deviation 1 and `noise`."""

    samples: int
    noise: float

    def load(self) -> Arrays:
        random = np.random.RandomState(SEED)
        x = random.randn(self.samples)
        y = 3 * x + 2 + self.noise * random.randn(self.samples)
        return Arrays(x[:, None].astype(np.float32), y.astype(np.float32), columns=("x",))


@dataclass(frozen=True)
class Xor:
    """Four blobs of deviation `sigma` round the corners of the unit square; the class is the XOR of the corner.

    test_samples: further ones per class, drawn after the others, as the test part.
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
