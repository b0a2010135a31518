"""What classes were taken for what: counts, and precision, recall and F1."""

from __future__ import annotations

from collections import Counter

import numpy as np

from tunesmith.insight.part_outputs import Floats, Ints

# A confusion matrix of more classes does not fit a screen, and of 1000 it is a million counts: the pairs are listed
# that are confused most often.
MANY_CLASSES, NUM_CONFUSED = 30, 30
# Classes up to which each cell of a drawn matrix has its count written in it.
FEW_CLASSES = 15


def confusion(targets: Ints, predicted: Ints, num_classes: int) -> Ints:
    """Return how many samples of each true class (a row) were taken for each class (a column), (classes, classes)."""
    return np.bincount(targets * num_classes + predicted, minlength=num_classes**2).reshape(num_classes, num_classes)


def shares_of_rows(counts: Ints) -> Floats:
    """Return counts as shares of their true class; a class without samples has zeros."""
    shares: Floats = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    return shares


def scores(targets: Ints, predicted: Ints, num_classes: int) -> tuple[Floats, Ints]:
    """Return precision, recall and F1 of each class, (classes, 3), and its samples, (classes,); the undefined is 0."""
    support, chosen = (np.bincount(labels, minlength=num_classes) for labels in (targets, predicted))
    hits = np.bincount(targets[targets == predicted], minlength=num_classes)
    parts = ((hits, chosen), (hits, support), (2 * hits, support + chosen))
    return np.stack([part / np.maximum(whole, 1) for part, whole in parts], axis=1), support


def most_confused(targets: Ints, predicted: Ints) -> list[tuple[int, int, int]]:
    """Return true class, predicted class and number of samples of the NUM_CONFUSED pairs confused most often."""
    wrong = targets != predicted
    pairs = Counter(zip(targets[wrong].tolist(), predicted[wrong].tolist(), strict=True))
    return [(true, other, num) for (true, other), num in pairs.most_common(NUM_CONFUSED)]
