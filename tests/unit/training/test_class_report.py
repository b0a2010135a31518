"""The report on classes: a matrix of few, the pairs confused most often of many."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import classification_report, confusion_matrix

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


def test_precision_and_recall_are_those_of_scikit_learn() -> None:
    draws = np.random.default_rng(0)
    for num_classes in [*range(2, 13)] * 5:
        shares = draws.dirichlet(np.full(num_classes, 0.3))  # some classes have no sample, or are never predicted
        targets, other = draws.choice(num_classes, (2, 80), p=shares)
        predicted = np.where(draws.random(80) < 0.7, targets, (targets + other) % num_classes)
        names = tuple("a class of a long name"[:length] for length in draws.integers(1, 22, num_classes))
        labels = list(range(num_classes))
        expected = classification_report(
            targets, predicted, labels=labels, target_names=names, digits=3, zero_division=0
        )
        text, _, matrix = class_report(targets, predicted, names).partition("\nconfusion matrix: ")
        assert text == expected
        counts = confusion_matrix(targets, predicted, labels=labels)
        shown = [line.split()[-num_classes:] for line in matrix.splitlines()[2:]]
        assert shown == [[str(count) for count in row] for row in counts]
