"""Targets: where they come from, and which numbers are scaled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunesmith.data.arrays import Arrays
from tunesmith.data.mapped import Mapped
from tunesmith.data.targets import choose_targets, fit_target_scale, scale_targets
from tunesmith.errors import UserError

INPUTS = np.zeros((4, 2), np.float32)
TRAIN = np.array([0, 1, 2])


def arrays(targets: Any, dtype: type = np.float32, **names: Any) -> Arrays:
    return Arrays(INPUTS, np.array(targets, dtype), **names)


def scaled(given: Arrays, is_scaled: bool) -> tuple[Any, float, float]:
    mean, scale = fit_target_scale(given, TRAIN, is_scaled)
    return scale_targets(given, mean, scale), mean, scale


def test_targets_of_the_source_stay() -> None:
    given = arrays([1, 2, 3, 4])
    assert choose_targets(given, "source") is given


def test_an_input_that_is_its_own_target_needs_no_other() -> None:
    chosen = choose_targets(arrays([0, 1, 0, 1], np.int64, classes=("a", "b")), "inputs")
    assert (chosen.target_shape, chosen.has_classes, chosen.num_classes) == ((0,), False, 0)


def test_a_source_without_targets_is_refused() -> None:
    with pytest.raises(
        UserError, match=r"^data must have a target for each sample; got inputs alone, \(4, 2\); data\.targets=inputs "
    ):
        choose_targets(arrays(np.zeros((4, 0))), "source")


def test_one_number_is_scaled_by_the_training_part() -> None:
    targets, mean, scale = scaled(arrays([0, 3, 6, 100]), is_scaled=True)
    assert (mean, scale) == (3, pytest.approx(6**0.5))
    assert targets.tolist() == pytest.approx([-(1.5**0.5), 0, 1.5**0.5, 97 / 6**0.5])


def test_several_numbers_share_one_mean_and_one_scale() -> None:
    given = arrays([[0, 10], [2, 12], [4, 14], [100, 200]])
    targets, mean, scale = scaled(given, is_scaled=True)
    assert (mean, scale) == (7, pytest.approx(np.std([0, 2, 4, 10, 12, 14])))
    np.testing.assert_allclose(targets * scale + mean, given.targets, atol=1e-5)
    assert targets.dtype == np.float32


@pytest.mark.parametrize(
    ("given", "is_scaled"),
    [
        pytest.param(arrays([[0, 1], [1, 1], [0, 0], [1, 0]]), True, id="labels"),
        pytest.param(arrays([0, 1, 2, 0], np.int64), True, id="classes"),
        pytest.param(arrays(np.zeros((4, 3, 3)), np.int64), True, id="masks"),
        pytest.param(arrays(np.zeros((4, 0))), True, id="no targets"),
        pytest.param(arrays([[0, 10], [2, 12], [4, 14], [6, 7]]), False, id="numbers that are not to be scaled"),
    ],
)
def test_targets_that_are_not_scaled(given: Arrays, is_scaled: bool) -> None:
    assert scaled(given, is_scaled) == (given.targets, 0, 1)


def test_a_gap_in_targets_that_stay_in_their_file_is_refused_when_it_is_read(tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", [[0.5, 1], [2, 3], [4, 5], [6, np.nan]])
    mapped = Mapped(np.load(tmp_path / "y.npy", mmap_mode="r"), np.dtype(np.float32))
    targets, _, _ = scaled(Arrays(INPUTS, mapped), is_scaled=True)
    assert np.isfinite(targets[TRAIN]).all()
    with pytest.raises(UserError, match=r"^data must be whole and finite; got 1 missing or infinite values in 1 rows "):
        targets[np.array([3])]
