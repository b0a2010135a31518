"""Cells: numbers in several formats, truth values, and words for missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tunesmith.data.sources.cells import CellFormat, read_cells

PLAIN, EUROPEAN = CellFormat(), CellFormat(decimal=",", thousands=".")


@pytest.mark.parametrize(
    ("form", "text", "number"),
    [
        (PLAIN, "-1.5e-3", "-1.5e-3"),
        (PLAIN, "+5", "+5"),
        (PLAIN, ".5", ".5"),
        (PLAIN, "5.", "5."),
        (PLAIN, "\u22125", "-5"),
        (PLAIN, "-inf", "-inf"),
        (PLAIN, "1,5", None),
        (PLAIN, "1_000", None),
        (PLAIN, "0x1A", None),
        (PLAIN, "1.2.3", None),
        (EUROPEAN, "1.234.567,5", "1234567.5"),
        (EUROPEAN, "1234,5", "1234.5"),
        (EUROPEAN, "1.5", None),
        (EUROPEAN, "01.02.2024", None),
        (CellFormat(thousands=","), "12,34,567", "1234567"),
        (CellFormat(thousands=","), "12,34", None),
        (PLAIN, "\u0661", None),
        (CellFormat(thousands=" "), "1\u202f234", "1234"),
        (CellFormat(thousands="'"), "1\u2019234.5", "1234.5"),
    ],
)
def test_a_number_is_one_of_its_format(form: CellFormat, text: str, number: str | None) -> None:
    assert form.number(text) == number
    numbers = form.numbers(pd.Series(["7", text]))
    assert numbers is None if number is None else numbers.tolist() == [7, float(number)]


def test_words_for_missing_are_counted_and_texts_lose_their_blanks() -> None:
    column, words = read_cells(pd.Series(["a ", "NA", " b", "None ", "NA", "  "]), PLAIN)
    assert (column.dropna().tolist(), words) == (["a", "b"], {"NA": 2, "None": 1})


def test_numbers_beside_words_for_missing_are_numbers() -> None:
    column, _ = read_cells(pd.Series(["1", "NA", "12345678901"]), PLAIN)
    np.testing.assert_array_equal(column, [1, np.nan, 12345678901])


def test_truth_values_in_several_spellings_are_truth_values() -> None:
    assert read_cells(pd.Series(["True", "FALSE", "true"]), PLAIN)[0].tolist() == [True, False, True]


def test_columns_of_numbers_stay_as_they_are() -> None:
    column = pd.Series([1, 2])
    assert read_cells(column, EUROPEAN)[0] is column


def test_whole_numbers_beyond_64_bits_are_numbers() -> None:
    assert read_cells(pd.Series(["1" + "0" * 30, "7"]), PLAIN)[0].tolist() == [1e30, 7.0]


def test_a_cell_of_two_lines_is_no_number() -> None:
    assert read_cells(pd.Series(["1\n2", "3"]), PLAIN)[0].tolist() == ["1\n2", "3"]
