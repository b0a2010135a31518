"""Arrays: what fits together, the task that the targets tell, and names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tunesmith.data.arrays import Arrays, narrow
from tunesmith.errors import UserError

INPUTS = np.zeros((4, 2), np.float32)
CLASSES = np.array([0, 1, 0, 2])
NUMBERS = np.array([0.5, 1, 0, 2], np.float32)


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        pytest.param(
            INPUTS.astype(np.float16),
            CLASSES,
            r"inputs of \(samples, \*input_shape\), float32 .*; got \(4, 2\), float16",
            id="inputs of float16",
        ),
        pytest.param(
            INPUTS[:, 0],
            CLASSES,
            r"inputs of \(samples, \*input_shape\), float32 .*; got \(4,\), float32",
            id="inputs without features",
        ),
        pytest.param(
            INPUTS,
            CLASSES.astype(np.int32),
            r"targets of \(4, \*target_shape\), int64 .*, float32 .*; got \(4,\), int32",
            id="classes of int32",
        ),
        pytest.param(INPUTS, NUMBERS.astype(np.float16), r"targets .*; got \(4,\), float16", id="numbers of float16"),
        pytest.param(INPUTS, CLASSES[:3], r"targets of \(4, .*; got \(3,\), int64", id="fewer targets"),
        pytest.param(INPUTS, CLASSES - 1, "classes from 0; got -1", id="a negative class"),
        pytest.param(INPUTS, np.full((4, 2, 2), -1), "classes from 0; got -1", id="a mask with a negative class"),
        pytest.param(np.full((4, 2), -1), CLASSES, "token ids from 0; got -1", id="a negative token id"),
        pytest.param(INPUTS[:, :0], CLASSES, r"inputs .*; got \(4, 0\), float32", id="no features at all"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    inputs: NDArray[np.float32], targets: NDArray[np.int64], message: str
) -> None:
    with pytest.raises(UserError, match=rf"^data\.source must return {message}$"):
        Arrays(inputs, targets)


@pytest.mark.parametrize(
    ("field", "values", "message"),
    [
        pytest.param("order", np.zeros(3), r"order of \(4,\), float64; got \(3,\), float64", id="too few times"),
        pytest.param("order", np.zeros(4, int), r"order of \(4,\), float64; got \(4,\), int64", id="times of int64"),
        pytest.param("order", np.full(4, np.nan), "a finite order of the samples", id="unknown times"),
        pytest.param("groups", np.zeros(4), r"groups of \(4,\), int64; got \(4,\), float64", id="groups of float64"),
    ],
)
def test_times_and_groups_that_do_not_fit_are_refused(field: str, values: NDArray[Any], message: str) -> None:
    with pytest.raises(UserError, match=rf"^data\.source must return {message}$"):
        Arrays(INPUTS, CLASSES, **{field: values})


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param({"classes": ("a", "b")}, "2 names for 3$", id="of classes"),
        pytest.param({"columns": ("a",)}, "1 names for 2$", id="of columns"),
    ],
)
def test_too_few_names_are_refused(names: dict[str, tuple[str, ...]], message: str) -> None:
    with pytest.raises(UserError, match=rf"^data\.source must name each .*; got {message}"):
        Arrays(INPUTS, CLASSES, **names)


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        pytest.param(Arrays(INPUTS, CLASSES), ((), True, True, 3), id="classes without names"),
        pytest.param(
            Arrays(INPUTS, CLASSES, classes=("a", "b", "c", "d")), ((), True, True, 4), id="a class without samples"
        ),
        pytest.param(Arrays(INPUTS, NUMBERS), ((), False, False, 0), id="numbers"),
        pytest.param(Arrays(INPUTS, NUMBERS[:, None]), ((1,), False, False, 0), id="numbers in a column"),
        pytest.param(Arrays(INPUTS, np.full((4, 5, 6), 7)), ((5, 6), True, False, 8), id="masks"),
    ],
)
def test_targets_tell_the_task(arrays: Arrays, told: tuple[tuple[int, ...], bool, bool, int]) -> None:
    assert (arrays.target_shape, arrays.has_classes, arrays.has_one_class, arrays.num_classes) == told


@pytest.mark.parametrize(
    ("arrays", "column", "name"),
    [
        pytest.param(Arrays(INPUTS, CLASSES, ("x", "y"), ("a", "b", "c")), "y", "b", id="given"),
        pytest.param(Arrays(INPUTS, CLASSES), "1", "1", id="none given"),
    ],
)
def test_a_name_is_the_index_if_none_is_given(arrays: Arrays, column: str, name: str) -> None:
    assert (arrays.column(1), arrays.class_name(1)) == (column, name)


@pytest.mark.parametrize(
    ("inputs", "is_table"),
    [
        pytest.param(INPUTS, True, id="rows"),
        pytest.param(np.zeros((4, 1, 8, 8), np.float32), False, id="images"),
        pytest.param(np.zeros((4, 2), np.int64), False, id="token ids"),
    ],
)
def test_only_rows_of_columns_are_a_table(inputs: NDArray[np.float32], is_table: bool) -> None:
    assert Arrays(inputs, CLASSES).is_table is is_table


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        pytest.param(np.array([1600000000, 1600000001]), np.float64, id="large whole numbers"),
        pytest.param(np.array([2**24 + 1], np.int32), np.float64, id="one beyond float32's whole numbers"),
        pytest.param(np.array([0.1]), np.float64, id="a number that float32 rounds"),
        pytest.param(np.array([0.5, np.nan, np.inf]), np.float64, id="numbers that float32 would hold"),
        pytest.param(np.array([[[0.5, np.nan]]]), np.float32, id="images that float32 holds"),
        pytest.param(np.array([[[0.1, np.nan]]]), np.float64, id="images that float32 rounds"),
        pytest.param(np.array([255], np.uint8), np.float32, id="bytes"),
        pytest.param(np.array([True]), np.float32, id="truth values"),
        pytest.param(np.array([0.1], np.float16), np.float32, id="half precision"),
    ],
)
def test_numbers_keep_their_digits_in_as_few_bytes_as_hold_them(values: NDArray[Any], dtype: type) -> None:
    narrowed = narrow(values)
    np.testing.assert_array_equal(narrowed, values.astype(np.float64))
    assert narrowed.dtype == dtype
