"""What classes were taken for what: counts, and precision, recall and F1 made of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tunesmith.insight.part_outputs import Floats, Ints


def confusion(targets: NDArray[np.int64], predicted: NDArray[np.int64], num_classes: int) -> Ints:
    """Return how many samples of each true class (a row) were taken for each class (a column), (classes, classes)."""
    return np.bincount(targets * num_classes + predicted, minlength=num_classes**2).reshape(num_classes, num_classes)


def shares_of_rows(counts: Ints) -> Floats:
    """Return counts as shares of their true class; a class without samples has zeros."""
    shares: Floats = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    return shares


def scores(counts: Ints) -> Floats:
    """Return precision, recall and F1 of each class, (classes, 3); what is undefined is 0."""
    hits, support, chosen = counts.diagonal(), counts.sum(1), counts.sum(0)
    parts = ((hits, chosen), (hits, support), (2 * hits, support + chosen))
    return np.stack([part / np.maximum(whole, 1) for part, whole in parts], axis=1)


def most_confused(counts: Ints, num_pairs: int) -> list[tuple[int, int, int]]:
    """Return true class, predicted class and number of samples of the pairs that are confused most often."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:num_pairs]
    pairs = zip(*np.unravel_index(order, wrong.shape), strict=True)
    return [(int(true), int(other), int(wrong[true, other])) for true, other in pairs if wrong[true, other]]
