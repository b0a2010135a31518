"""The expected calibration error, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tunesmith.insight.calibration import NUM_BINS, calibration_error


def test_it_is_the_gap_between_confidence_and_accuracy_in_each_bin() -> None:
    """Four samples say 0.9, of which three are right; six say 0.55, of which three are."""
    confidence = np.array([0.9] * 4 + [0.55] * 6)
    targets = np.array([0, 0, 0, 1, 0, 0, 0, 1, 1, 1])
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    assert calibration_error(probabilities, targets) == pytest.approx(0.4 * (0.9 - 0.75) + 0.6 * (0.55 - 0.5))


def test_gaps_within_a_bin_cancel_and_those_of_two_bins_do_not() -> None:
    same_bin = np.array([[0.95, 0.05], [0.97, 0.03]])
    two_bins = np.array([[0.97, 0.03], [0.55, 0.45]])
    assert calibration_error(same_bin, np.array([0, 1])) == pytest.approx(0.96 - 0.5)
    assert calibration_error(two_bins, np.array([1, 0])) == pytest.approx((0.97 + 0.45) / 2)


def test_a_confidence_between_two_bins_is_in_the_lower_one() -> None:
    bound = 9 / NUM_BINS
    probabilities = np.array([[bound, 1 - bound], [bound - 0.01, 1.01 - bound]])
    assert calibration_error(probabilities, np.array([0, 1])) == pytest.approx(bound - 0.005 - 0.5)


def test_certainty_that_is_right_has_no_error() -> None:
    assert calibration_error(np.eye(3), np.arange(3)) == 0


def test_probabilities_that_are_true_have_nearly_none() -> None:
    rng = np.random.default_rng(0)
    chances = rng.uniform(0.5, 1, 20_000)
    targets = (rng.random(20_000) > chances).astype(int)
    assert calibration_error(np.stack([chances, 1 - chances], axis=1), targets) < 0.02
