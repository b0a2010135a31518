"""Counts of classes, checked by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from tunesmith.insight.class_counts import NUM_CONFUSED, confusion, most_confused, scores, shares_of_rows

TRUE = np.random.default_rng(0).integers(0, 4, 200)
PREDICTED = np.where(np.random.default_rng(1).random(200) < 0.6, TRUE, np.random.default_rng(2).integers(0, 4, 200))


def test_counts_are_those_of_scikit_learn() -> None:
    np.testing.assert_array_equal(confusion(TRUE, PREDICTED, 4), confusion_matrix(TRUE, PREDICTED))


def test_scores_are_those_of_scikit_learn_and_zero_for_a_class_that_is_nowhere() -> None:
    found, support = scores(TRUE, PREDICTED, 5)
    expected = precision_recall_fscore_support(TRUE, PREDICTED, labels=range(5), zero_division=0)
    np.testing.assert_allclose(found, np.stack(expected[:3], axis=1), rtol=1e-12)
    np.testing.assert_array_equal(support, expected[3])


def test_shares_are_of_the_true_class() -> None:
    assert shares_of_rows(np.array([[3, 1], [0, 0]])).tolist() == [[0.75, 0.25], [0, 0]]


def test_pairs_that_are_confused_most_often_come_first() -> None:
    targets, predicted = np.array([0] * 11 + [1] * 15), np.array([0] * 9 + [1] * 2 + [0] * 5 + [1] * 9 + [2])
    assert most_confused(targets, predicted) == [(1, 0, 5), (0, 1, 2), (1, 2, 1)]


def test_very_many_classes_need_no_room_for_all_pairs() -> None:
    targets = np.arange(100_000)  # a matrix of them would have 80 GB
    found, _ = scores(targets, targets, 100_000)
    assert found.min() == 1
    assert most_confused(targets, np.zeros_like(targets))[0] == (1, 0, 1)
    assert len(most_confused(targets, np.zeros_like(targets))) == NUM_CONFUSED
