"""Prepared inputs can be read again: numbers in the source's unit, categories by their names."""

from __future__ import annotations

import numpy as np
import pytest

from tunesmith.data.arrays import Arrays
from tunesmith.data.fitted_preparation import FittedPreparation
from tunesmith.data.preparation import fit_preparation
from tunesmith.data.readable import MAX_COLUMNS, source_numbers, table_cells

NUMBERS = np.random.default_rng(0).normal(5, [1, 50], (20, 2))
COLOURS = np.array([0.0, 1.0] * 10)
IMAGES = np.random.default_rng(1).random((20, 3, 2, 4), np.float32)


def fitted(arrays: Arrays, scale: str = "standard") -> FittedPreparation:
    inputs, _ = fit_preparation(arrays, np.arange(16), scale, "impute")
    return FittedPreparation.of(arrays, inputs, 0.0, 1.0)


@pytest.mark.parametrize("scale", ["standard", "global", "minmax", "robust", "none"])
def test_pixels_are_those_of_the_source(scale: str) -> None:
    arrays = Arrays(IMAGES, np.zeros(20, np.int64))
    preparation = fitted(arrays, scale)
    prepared = preparation.apply(arrays)
    np.testing.assert_allclose(source_numbers(preparation, np.asarray(prepared)), IMAGES, atol=1e-6)


def test_cells_stand_below_their_columns() -> None:
    inputs = np.stack([NUMBERS[:, 0], COLOURS, NUMBERS[:, 1]], axis=1)
    arrays = Arrays(inputs, np.zeros(20), ("a", "colour", "b"), categories={1: ("red", "green")})
    preparation = fitted(arrays)
    names, cells = table_cells(preparation, np.asarray(preparation.apply(arrays)))
    assert names == ["a", "colour", "b"]
    assert [row[1] for row in cells] == ["red", "green"] * 10
    found = np.array([[float(row[0]), float(row[2])] for row in cells])
    np.testing.assert_allclose(found, NUMBERS, rtol=1e-4)


def test_a_category_that_training_did_not_have_is_unknown() -> None:
    arrays = Arrays(COLOURS[:, None], np.zeros(20), ("colour",), categories={0: ("red", "green")})
    preparation = fitted(arrays)
    assert table_cells(preparation, np.zeros((1, 2), np.float32)) == (["colour"], [["?"]])


def test_columns_without_names_have_numbers_and_a_wide_table_is_cut() -> None:
    arrays = Arrays(np.random.default_rng(2).random((20, MAX_COLUMNS + 5)), np.zeros(20))
    names, cells = table_cells(fitted(arrays), np.zeros((2, MAX_COLUMNS + 5), np.float32))
    assert names == [str(column) for column in range(MAX_COLUMNS)]
    assert [len(row) for row in cells] == [MAX_COLUMNS, MAX_COLUMNS]
