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
    num = len(classes)
    report = _precision_and_recall(targets, predicted, classes)
    if num > MANY_CLASSES:
        return f"{report}\n{_most_confused(targets, predicted, classes)}\n"
    counts = np.bincount(targets * num + predicted, minlength=num * num).reshape(num, num)
    rows = [["", *classes], *([name, *map(str, row)] for name, row in zip(classes, counts, strict=True))]
    return f"{report}\nconfusion matrix: a row per true class, a column per predicted one\n{_aligned(rows)}\n"


def _precision_and_recall(targets: Labels, predicted: Labels, classes: Sequence[str]) -> str:
    """Return the text of scikit-learn's classification_report, whose import takes 1.4 s; what is undefined is 0."""
    support, chosen = (np.bincount(labels, minlength=len(classes)) for labels in (targets, predicted))
    hits = np.bincount(targets[targets == predicted], minlength=len(classes))
    ratios = ((hits, chosen), (hits, support), (2 * hits, support + chosen))
    scores = np.stack([part / np.maximum(whole, 1) for part, whole in ratios], axis=1)
    width = max(len("weighted avg"), *map(len, classes))

    def line(name: str, *cells: object) -> str:
        shown = (f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells)
        return f"{name:>{width}} " + "".join(f" {cell:>9}" for cell in shown) + "\n"

    of_classes = (line(name, *row.tolist(), num) for name, row, num in zip(classes, scores, support, strict=True))
    totals = (
        line("accuracy", "", "", float(hits.sum() / len(targets)), len(targets)),
        line("macro avg", *scores.mean(0).tolist(), len(targets)),
        line("weighted avg", *np.average(scores, axis=0, weights=support).tolist(), len(targets)),
    )
    head = line("", "precision", "recall", "f1-score", "support")
    return "\n".join((head, "".join(of_classes), "".join(totals)))


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
