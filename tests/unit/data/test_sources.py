"""Sources: shapes, types and ranges of the arrays that ship."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tunesmith.data.sources import Arrays, diabetes, digits


@pytest.mark.parametrize(
    ("source", "shape", "target_type", "has_classes"),
    [
        pytest.param(digits, (1797, 64), np.int64, True, id="digits"),
        pytest.param(diabetes, (442, 10), np.float32, False, id="diabetes"),
    ],
)
def test_arrays_of(
    source: Callable[[], Arrays], shape: tuple[int, int], target_type: type[np.generic], has_classes: bool
) -> None:
    arrays = source()
    assert (arrays.inputs.shape, arrays.targets.shape) == (shape, shape[:1])
    assert (arrays.inputs.dtype.type, arrays.targets.dtype.type) == (np.float32, target_type)
    assert arrays.has_classes is has_classes


def test_digits_are_grey_values_of_ten_classes() -> None:
    arrays = digits()
    assert (arrays.inputs.min(), arrays.inputs.max()) == (0, 16)
    assert set(arrays.targets) == set(range(10))


def test_diabetes_is_as_it_was_measured() -> None:
    age = diabetes().inputs[:, 0]
    assert 18 <= age.min() < age.max() <= 80
