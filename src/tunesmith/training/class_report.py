"""A text about predicted classes: precision and recall of each class, and what is taken for what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunesmith.insight.class_counts import MANY_CLASSES, confusion, most_confused, scores
from tunesmith.insight.part_outputs import Ints


def class_report(targets: Ints, predicted: Ints, classes: Sequence[str]) -> str:
    """Return precision and recall of each class, and the confusion matrix: a row per true class.

    targets, predicted: (samples,), indices of classes, which are the classes' names.
    """
    report = _precision_and_recall(targets, predicted, classes)
    if len(classes) > MANY_CLASSES:
        return f"{report}\n{_most_confused(targets, predicted, classes)}\n"
    counts = confusion(targets, predicted, len(classes))
    rows = [["", *classes], *([name, *map(str, row)] for name, row in zip(classes, counts, strict=True))]
    return f"{report}\nconfusion matrix: a row per true class, a column per predicted one\n{_aligned(rows)}\n"


def _precision_and_recall(targets: Ints, predicted: Ints, classes: Sequence[str]) -> str:
    """Return the text of scikit-learn's classification_report, whose import takes 1.4 s; what is undefined is 0."""
    of_classes, support = scores(targets, predicted, len(classes))
    width = max(len("weighted avg"), *map(len, classes))

    def line(name: str, *cells: object) -> str:
        shown = (f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells)
        return f"{name:>{width}} " + "".join(f" {cell:>9}" for cell in shown) + "\n"

    rows = (line(name, *row.tolist(), num) for name, row, num in zip(classes, of_classes, support, strict=True))
    totals = (
        line("accuracy", "", "", float((targets == predicted).mean()), len(targets)),
        line("macro avg", *of_classes.mean(0).tolist(), len(targets)),
        line("weighted avg", *np.average(of_classes, axis=0, weights=support).tolist(), len(targets)),
    )
    head = line("", "precision", "recall", "f1-score", "support")
    return "\n".join((head, "".join(rows), "".join(totals)))


def _most_confused(targets: Ints, predicted: Ints, classes: Sequence[str]) -> str:
    rows = [["true", "predicted", "samples"]]
    rows += [[classes[true], classes[other], str(num)] for true, other, num in most_confused(targets, predicted)]
    wrong = (targets != predicted).sum()
    title = f"confused most often, of {wrong} wrong predictions ({len(classes)} classes are too many for a matrix)"
    return f"{title}\n{_aligned(rows)}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    width = max(len(cell) for row in rows for cell in row) + 2
    return "\n".join("".join(cell.rjust(width) for cell in row) for row in rows)
