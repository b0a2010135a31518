"""A column that tells the target by itself, as one does that was made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# A column tells the target if it leaves no more than a fiftieth of it open; the best column of healthy data leaves a
# third, of iris a tenth.
TELLS = 0.98
# One that comes near beside it shows that columns tell the target by themselves here: none was made from it then.
NEXT = 0.95
# Of two columns, one may well decide.
MIN_COLUMNS = 3
# Columns that are looked at one by one: those whose means differ most from class to class.
MAX_COLUMNS = 32
# A column with fewer different values than this share of its rows is one of codes, whose order says nothing.
CODES = 0.25
# Of more rows, evenly spaced ones stand for all.
MAX_ROWS = 5_000


@dataclass(frozen=True)
class GiveAway:
    """How well single columns tell the target, 0 (not at all) to 1 (all of it).

    column: the best one; score: its; next: of the next best one; None: nothing can be said, as of two columns.
    """

    column: int | None
    score: float = 0.0
    next: float = 0.0

    @property
    def is_found(self) -> bool:
        return self.column is not None and self.score > TELLS and self.next < NEXT


def find_give_away(inputs: NDArray[Any], targets: NDArray[Any]) -> GiveAway:
    """Score each column; inputs: (rows, columns); targets: (rows,), int64 classes or numbers.

    Numbers: the share of the variance that the column tells, by values or by ranks. Classes: see _class_score.
    """
    every = max(1, -(-len(inputs) // MAX_ROWS))
    inputs, targets = inputs[::every], targets[::every]
    varies = np.flatnonzero((inputs != inputs[:1]).any(axis=0))
    if len(varies) < MIN_COLUMNS or len(targets) < 2 or (targets == targets[0]).all():
        return GiveAway(None)
    has_classes = targets.dtype == np.int64
    strength = (_between_classes if has_classes else _told_variance)(inputs[:, varies], targets)
    chosen = np.argsort(-strength, kind="stable")[:MAX_COLUMNS]
    score = _class_score if has_classes else _number_score
    scores = np.array([score(inputs[:, column], targets) for column in varies[chosen]])
    best, second = np.argsort(-scores, kind="stable")[:2]
    return GiveAway(int(varies[chosen[best]]), float(scores[best]), float(scores[second]))


def _between_classes(inputs: NDArray[Any], classes: NDArray[Any]) -> NDArray[Any]:
    """Return the share of each column's variance that lies between the classes' means."""
    centred = _centred(inputs)
    is_of_class = (classes == np.unique(classes)[:, None]).astype(np.float32)
    sums = is_of_class @ centred
    shares: NDArray[Any] = (sums**2 / is_of_class.sum(axis=1, keepdims=True)).sum(axis=0) / _squares(centred)
    return shares


def _told_variance(inputs: NDArray[Any], numbers: NDArray[Any]) -> NDArray[Any]:
    centred, wanted = _centred(inputs), _centred(numbers[:, None])
    told: NDArray[Any] = (wanted.T @ centred)[0] ** 2 / (_squares(centred) * _squares(wanted))
    return told


def _centred(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return columns of mean 0 and largest value 1, float32: their squares neither overflow nor cost much."""
    centred = values - values.mean(axis=0, dtype=np.float64).astype(values.dtype)
    largest = np.maximum(np.abs(centred).max(axis=0), np.finfo(np.float32).tiny)
    return np.asarray(centred / largest, np.float32)


def _squares(centred: NDArray[np.float32]) -> NDArray[np.float32]:
    squares: NDArray[np.float32] = np.einsum("ij,ij->j", centred, centred)
    return np.asarray(np.maximum(squares, np.finfo(np.float32).tiny))


def _number_score(column: NDArray[Any], numbers: NDArray[Any]) -> float:
    of_values = _told_variance(column[:, None], numbers)[0]
    of_ranks = _told_variance(ranks(column)[:, None], ranks(numbers))[0]
    return float(max(of_values, of_ranks))


def _class_score(column: NDArray[Any], classes: NDArray[Any]) -> float:
    """Return how many rows the column puts into their class, beyond those that the largest class would.

    Codes: each has the class that most of the other rows with this code have. Numbers: of the rows next to each other
    in the order of the column, those of one class count, which is 1 - 2 e if the best tree on it errs in e of the rows.
    """
    num_values = len(np.unique(column))
    right = _codes_right(column, classes) if num_values < CODES * len(column) else _neighbours_right(column, classes)
    largest = np.bincount(classes).max() / len(classes)
    return float((right - largest) / (1 - largest))


def _codes_right(column: NDArray[Any], classes: NDArray[Any]) -> float:
    _, codes = np.unique(column, return_inverse=True)
    width = int(classes.max()) + 1
    counts = np.bincount(codes * width + classes, minlength=(int(codes.max()) + 1) * width).reshape(-1, width)
    ordered = np.sort(counts, axis=1)
    most, second = ordered[:, -1], ordered[:, -2]
    return float(most[most - 1 >= np.maximum(second, 1)].sum() / len(classes))


def _neighbours_right(column: NDArray[Any], classes: NDArray[Any]) -> float:
    in_order = classes[np.argsort(column, kind="stable")]
    num_borders = len(np.unique(classes)) - 1  # there are as many between classes that lie apart
    return float(1 - max(0, (in_order[1:] != in_order[:-1]).sum() - num_borders) / (len(classes) - 1))


def ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the rank of each value, equal ones the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middle: NDArray[np.float64] = ends - (counts + 1) / 2
    return middle[inverse]
