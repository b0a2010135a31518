"""Two random parts of a data set, sample for sample those of scikit-learn's train_test_split.

Every trial needs them, and scikit-learn takes 1.4 s of each process to import. A test compares them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from tunesmith.data.mapped import Index


def split_at_random(
    num_samples: int, num_second: int, seed: int, classes: NDArray[Any] | None = None
) -> tuple[Index, Index] | None:
    """Return positions of the samples of the first and of the second part, each in a random order.

    num_second: how many the second part gets; classes: (samples,), of which each part then has its share.
    None: scikit-learn would refuse to cut the samples so, and says why.
    """
    if not 0 < num_second < num_samples:
        return None
    random = RandomState(seed)
    if classes is None:
        order = random.permutation(num_samples)
        return order[num_second:], order[:num_second]
    kinds, kind_of, counts = np.unique(classes, return_inverse=True, return_counts=True)
    if counts.min() < 2 or len(kinds) > min(num_second, num_samples - num_second):
        return None
    of_first = _draws_of_classes(counts, num_samples - num_second, random)
    of_second = _draws_of_classes(counts - of_first, num_second, random)
    first, second = [], []
    members = np.split(np.argsort(kind_of, kind="stable"), np.cumsum(counts)[:-1])
    for samples, num, num_rest in zip(members, of_first, of_second, strict=True):
        drawn = samples[random.permutation(len(samples))]
        first.append(drawn[:num])
        second.append(drawn[num : num + num_rest])
    return random.permutation(np.concatenate(first)), random.permutation(np.concatenate(second))


def _draws_of_classes(counts: Index, num_draws: int, random: RandomState) -> Index:
    """Return how many of num_draws samples each class gets, in proportion to its count.

    Shares are rounded down; what is left goes to the largest remainders, of equal ones to some at random.
    """
    shares = counts / counts.sum() * num_draws
    drawn: Index = np.floor(shares).astype(np.int64)
    remainders, num_left = shares - drawn, int(num_draws - drawn.sum())
    for remainder in np.unique(remainders)[::-1]:
        if num_left <= 0:
            break
        (tied,) = np.where(remainders == remainder)
        chosen = random.choice(tied, size=min(len(tied), num_left), replace=False)
        drawn[chosen] += 1
        num_left -= len(chosen)
    return drawn
