"""Preparation: gaps, categories and scales, fitted on the training part alone."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from tunesmith.data.arrays import Arrays
from tunesmith.data.preparation import fit_preparation
from tunesmith.errors import UserError

SCALES = ("standard", "global", "minmax", "robust", "none")
nan = np.nan


def prepared(
    inputs: ArrayLike,
    train: list[int],
    scale: str = "none",
    missing: str = "impute",
    categories: dict[int, tuple[str, ...]] | None = None,
    columns: tuple[str, ...] = (),
) -> tuple[NDArray[np.float32], list[str]]:
    values = np.array(inputs, np.float64)
    arrays = Arrays(values, np.zeros(len(values), np.float32), columns, categories=categories or {})
    preparation, lines = fit_preparation(arrays, np.array(train), scale, missing)
    return np.asarray(preparation.apply(arrays.inputs)), lines


def in_memory(arrays: Arrays, train: NDArray[np.int64], scale: str, missing: str) -> NDArray[np.float32]:
    return np.asarray(fit_preparation(arrays, train, scale, missing)[0].apply(arrays.inputs))


# Of the columns (0, 2, 4) and (10, 10, 40), of which the first two rows train.
SCALED: dict[str, list[list[float]]] = {
    "standard": [[-1, 0], [1, 0], [3, 30]],  # means 1, 10; deviations 1, 0
    "global": [[-1.207, 0.988], [-0.768, 0.988], [-0.329, 7.574]],  # mean 5.5, deviation 4.555 of 0, 2, 10, 10
    "minmax": [[0, 0], [1, 0], [2, 30]],
    "robust": [[-1, 0], [1, 0], [3, 30]],  # medians 1, 10; between the quartiles 1, 0
    "none": [[0, 10], [2, 10], [4, 40]],
}


@pytest.mark.parametrize(("scale", "expected"), SCALED.items(), ids=SCALED)
def test_scales_are_fitted_on_the_training_part_alone(scale: str, expected: list[list[float]]) -> None:
    inputs, lines = prepared([[0, 10], [2, 10], [4, 40]], [0, 1], scale)
    np.testing.assert_allclose(inputs, expected, atol=0.001)
    assert lines == []


@pytest.mark.parametrize("scale", SCALES)
def test_images_keep_shape_and_type(scale: str) -> None:
    images = np.random.default_rng(0).random((6, 2, 3, 4))
    inputs, _ = prepared(images, [0, 1, 2], scale)
    assert (inputs.shape, inputs.dtype) == ((6, 2, 3, 4), np.float32)


def test_the_global_scale_keeps_features_in_proportion() -> None:
    images = np.random.default_rng(0).random((50, 1, 3, 4))
    inputs, _ = prepared(images, list(range(50)), "global")
    assert (inputs.mean(), inputs.std()) == pytest.approx((0, 1), abs=1e-5)
    assert np.corrcoef(inputs.ravel(), images.ravel())[0, 1] == pytest.approx(1)


@pytest.mark.parametrize("scale", SCALES)
def test_features_that_never_vary_stay_finite(scale: str) -> None:
    inputs, _ = prepared([[3, 3], [3, 3], [3, 3]], [0, 1], scale)
    assert np.isfinite(inputs).all()


def test_missing_numbers_are_the_median_of_the_training_part() -> None:
    inputs, lines = prepared([[1, 5], [2, 5], [9, 5], [nan, 5], [100, nan]], [0, 1, 2])
    np.testing.assert_array_equal(inputs[3:], [[2, 5], [100, 5]])
    assert [line.partition(":")[0] for line in lines] == ["2 missing values in 0 (1), 1 (1)"]


def test_missing_categories_are_the_most_frequent_of_the_training_part() -> None:
    codes = [2, 2, 2, 1, 1, 0, 0, nan, 0, 0]  # the median of the training part is 1, 0 is the most frequent of all
    inputs, _ = prepared([[code] for code in codes], list(range(7)), categories={0: ("a", "b", "c")})
    np.testing.assert_array_equal(inputs[7], [0, 0, 1])


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        pytest.param({}, [[1, 0], [2, 0], [3, 1]], id="a number becomes 0"),
        pytest.param({1: ("a", "b")}, [[1], [2], [3]], id="a category has no column"),
    ],
)
def test_without_a_value_in_the_training_part(
    categories: dict[int, tuple[str, ...]], expected: list[list[float]]
) -> None:
    inputs, _ = prepared([[1, nan], [2, nan], [3, 1]], [0, 1], categories=categories)
    np.testing.assert_array_equal(inputs, expected)


def test_a_training_part_without_any_value_is_refused() -> None:
    with pytest.raises(UserError, match=r"^data must leave the training part an input; got columns without any value"):
        prepared([[nan], [nan], [1]], [0, 1], categories={0: ("a", "b")})


def test_gaps_are_filled_before_scales_are_fitted() -> None:
    inputs, _ = prepared([[1], [3], [nan]], [0, 1, 2], "minmax")
    np.testing.assert_array_equal(inputs, [[0], [1], [0.5]])


def test_images_with_gaps_keep_their_shape() -> None:
    images = np.arange(12.0).reshape(3, 1, 2, 2)
    images[2, 0, 0, 1] = nan
    inputs, lines = prepared(images, [0, 1])
    assert (inputs.shape, inputs[2, 0, 0, 1]) == ((3, 1, 2, 2), 3)  # between 1 and 5
    assert lines[0].startswith("1 missing values in 1 of 4 values of a sample: ")


def test_categories_become_a_column_each_after_the_scaled_numbers() -> None:
    rows = [[2, 10, 0], [0, 20, 1], [1, 30, 1]]
    inputs, lines = prepared(rows, [0, 1], "minmax", categories={0: ("a", "b", "c"), 2: ("p", "q")})
    np.testing.assert_array_equal(inputs, [[0, 0, 1, 1, 0], [1, 1, 0, 0, 1], [2, 0, 0, 0, 1]])
    assert (inputs.dtype, lines) == (np.float32, [])


def test_categories_that_the_training_part_lacks_are_zero_in_all_columns() -> None:
    inputs, _ = prepared([[0], [2], [1], [3]], [0, 1], "standard", categories={0: ("a", "b", "c", "d")})
    np.testing.assert_array_equal(inputs, [[1, 0], [0, 1], [0, 0], [0, 0]])


@pytest.mark.parametrize("scale", ["standard", "minmax", "robust"])
@pytest.mark.parametrize("step", [1, 1e-18], ids=["large", "and tiny"])
def test_each_scale_keeps_the_digits_of_large_and_tiny_numbers(scale: str, step: float) -> None:
    offset = 1.6e9 if step == 1 else 0
    steps = np.arange(100.0)[:, None] % 50
    plain = in_memory(Arrays(steps, np.zeros(100, np.float32)), np.arange(80), scale, "refuse")
    moved = in_memory(Arrays(offset + step * steps, np.zeros(100, np.float32)), np.arange(80), scale, "refuse")
    np.testing.assert_allclose(np.asarray(moved), np.asarray(plain), atol=1e-6)
    assert np.ptp(np.asarray(moved)) >= 1


def test_medians_keep_their_digits() -> None:
    values = 1.6e9 + np.array([[1.0], [3], [5], [nan], [11]])
    inputs = in_memory(Arrays(values, np.zeros(5, np.float32)), np.arange(4), "minmax", "impute")
    np.testing.assert_allclose(np.asarray(inputs)[:, 0], [0, 0.5, 1, 0.5, 2.5])


def test_a_preparation_is_applied_to_other_rows() -> None:
    arrays = Arrays(np.array([[0, 1], [2, nan], [4, 1], [9, 0]]), np.zeros(4, np.float32), categories={1: ("a", "b")})
    preparation, _ = fit_preparation(arrays, np.arange(3), "minmax", "impute")
    rows = preparation.apply(np.array([[8, nan], [nan, 0]]))
    np.testing.assert_array_equal(rows, [[2, 1], [nan, 0]])  # of the numbers none was missing before


def test_the_arrays_of_the_source_stay_as_they_are() -> None:
    values = np.array([[1, 0], [nan, 1], [3, 0]], np.float32)
    arrays = Arrays(values.copy(), np.zeros(3, np.float32), categories={1: ("a", "b")})
    fit_preparation(arrays, np.array([0, 1, 2]), "standard", "impute")[0].apply(arrays.inputs)
    np.testing.assert_array_equal(arrays.inputs, values)


BAD: dict[str, tuple[list[list[float]], str, str]] = {
    "beyond float32": ([[1e300], [1], [2]], "impute", "data must be finite; got 1 infinite values in a (1)"),
    "infinite": (
        [[1, np.inf], [2, -np.inf], [np.inf, 1]],
        "impute",
        "data must be finite; got 3 infinite values in a (1), b (2)",
    ),
    "infinite and of two signs in a column": ([[np.inf], [-np.inf], [1]], "impute", "data must be finite; got 2 "),
    "infinite and missing": ([[np.inf], [nan], [1]], "impute", "data must be finite; got 1 infinite values in a (1)"),
    "missing and to be refused": (
        [[1, nan], [nan, nan], [3, 1]],
        "refuse",
        "data must be whole; got 3 missing values in a (1), b (2); data.missing=impute fills them in",
    ),
    "missing in many columns": (
        [[nan] * 8, [1] * 8, [2] * 8],
        "refuse",
        "data must be whole; got 8 missing values in a (1), b (1), c (1), d (1), e (1) and 3 more",
    ),
}


@pytest.mark.parametrize(("rows", "missing", "message"), BAD.values(), ids=BAD)
def test_values_are_refused_that_are(rows: list[list[float]], missing: str, message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        prepared(rows, [0, 1], missing=missing, columns=tuple("abcdefgh"[: len(rows[0])]))
