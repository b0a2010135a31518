"""A text about predicted classes: precision and recall of each class, and what is taken for what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# A confusion matrix of more classes does not fit a screen, and of 1000 it is a million counts: the pairs are listed
# that are confused most often.
MANY_CLASSES, NUM_CONFUSED = 30, 30

Labels = NDArray[np.int64]


def class_report(targets: Labels, predicted: Labels, classes: Sequence[str]) -> str:
    """Return precision and recall of each class, and the confusion matrix: a row per true class.

    targets, predicted: (samples,), indices of classes, which are the classes' names.
    """
    from sklearn.metrics import classification_report, confusion_matrix

    labels = list(range(len(classes)))
    report = classification_report(targets, predicted, labels=labels, target_names=classes, digits=3, zero_division=0)
    if len(classes) > MANY_CLASSES:
        return f"{report}\n{_most_confused(targets, predicted, classes)}\n"
    counts = confusion_matrix(targets, predicted, labels=labels)
    rows = [["", *classes], *([name, *map(str, row)] for name, row in zip(classes, counts, strict=True))]
    return f"{report}\nconfusion matrix: a row per true class, a column per predicted one\n{_aligned(rows)}\n"


def _most_confused(targets: Labels, predicted: Labels, classes: Sequence[str]) -> str:
    wrong = targets != predicted
    pairs = Counter(zip(targets[wrong].tolist(), predicted[wrong].tolist(), strict=True)).most_common(NUM_CONFUSED)
    rows = [["true", "predicted", "samples"]]
    rows += [[classes[true], classes[other], str(count)] for (true, other), count in pairs]
    title = (
        f"confused most often, of {wrong.sum()} wrong predictions ({len(classes)} classes are too many for a matrix)"
    )
    return f"{title}\n{_aligned(rows)}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    width = max(len(cell) for row in rows for cell in row) + 2
    return "\n".join("".join(cell.rjust(width) for cell in row) for row in rows)
