"""The report on classes: a matrix of few, the pairs confused most often of many."""

from __future__ import annotations

import numpy as np

from tunesmith.training.class_report import class_report


def test_few_classes_have_a_matrix_that_stays_aligned() -> None:
    report = class_report(np.repeat([0, 1], [123456, 3]), np.repeat([0, 1], [123455, 4]), ("a", "b"))
    matrix = report.partition("confusion matrix: ")[2].splitlines()[1:]
    assert [line.split() for line in matrix] == [["a", "b"], ["a", "123455", "1"], ["b", "0", "3"]]
    assert len({len(line) for line in matrix}) == 1


def test_many_classes_have_the_pairs_that_are_confused_most_often() -> None:
    targets = np.repeat(np.arange(1000), 10)
    predicted = targets.copy()
    predicted[:7] = 5
    predicted[10:12] = 3
    names = tuple(f"class {label}" for label in range(1000))
    report = class_report(targets, predicted, names)
    assert len(report) < 100_000
    confused = report.partition("confused most often, of 9 wrong predictions ")[2].splitlines()[1:]
    assert [line.split() for line in confused] == [
        ["true", "predicted", "samples"],
        ["class", "0", "class", "5", "7"],
        ["class", "1", "class", "3", "2"],
    ]
