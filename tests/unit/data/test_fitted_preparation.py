"""A fitted preparation: what it does survives the way to plain values and back bit for bit."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tunesmith.data.arrays import Arrays
from tunesmith.data.fitted_preparation import FittedPreparation
from tunesmith.data.mapped import Mapped
from tunesmith.data.preparation import fit_preparation
from tunesmith.errors import UserError
from tunesmith.run_folder import write_json

SCALES = ["standard", "global", "minmax", "robust", "none"]
TRAIN = np.arange(0, 60, 2)
NUMBERS = np.random.default_rng(0).normal(1.6e9, [1, 50, 1e-3], (60, 3))
GAPPY = np.where(np.random.default_rng(1).random((60, 3)) < 0.2, np.nan, NUMBERS)
COLOURS = np.random.default_rng(2).integers(0, 3, 60).astype(np.float64)
TARGETS = np.random.default_rng(3).normal(1e6, 1, 60)


def table(colours: NDArray[np.float64] = COLOURS, names: tuple[str, ...] = ("blue", "green", "red")) -> Arrays:
    inputs = np.stack([GAPPY[:, 0], np.where(np.arange(60) % 7 == 0, np.nan, colours), GAPPY[:, 1]], axis=1)
    return Arrays(inputs, TARGETS, ("t", "colour", "x"), categories={1: names})


IMAGES = Arrays(
    np.random.default_rng(4).random((60, 1, 4, 4), np.float32), np.arange(60) % 3, classes=("cat", "dog", "cow")
)


def fitted(arrays: Arrays, scale: str = "standard", mean: float = 0.0, deviation: float = 1.0) -> FittedPreparation:
    preparation, _ = fit_preparation(arrays, TRAIN, scale, "impute")
    return FittedPreparation.of(arrays, preparation, mean, deviation)


def written(preparation: FittedPreparation, folder: Path) -> FittedPreparation:
    """What a file says of a preparation."""
    write_json(folder / "preparation.json", preparation.to_plain())
    return FittedPreparation.from_plain(json.loads((folder / "preparation.json").read_text(encoding="utf-8")))


CASES: dict[str, Callable[[], Arrays]] = {
    "numbers": lambda: Arrays(NUMBERS, TARGETS),
    "gaps": lambda: Arrays(GAPPY, TARGETS),
    "categories and gaps": table,
    "names in any script": lambda: table(names=("blå", "grün\n\"'", "красный")),
    "images": lambda: IMAGES,
}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("arrays", CASES.values(), ids=CASES)
def test_a_file_prepares_to_the_same_bits(arrays: Callable[[], Arrays], scale: str, tmp_path: Path) -> None:
    given = arrays()
    first = fitted(given, scale, float(TARGETS.mean()), float(TARGETS.std()))
    again = written(first, tmp_path)
    assert np.asarray(again.apply(given)).tobytes() == np.asarray(first.apply(given)).tobytes()
    expected, _ = fit_preparation(given, TRAIN, scale, "impute")
    assert np.asarray(first.apply(given)).tobytes() == expected.apply(given.inputs).tobytes()  # type: ignore[arg-type]
    assert (again.target_mean, again.target_scale) == (TARGETS.mean(), TARGETS.std())
    assert again.to_plain() == first.to_plain()


def test_token_ids_stay_as_they_are(tmp_path: Path) -> None:
    tokens = Arrays(np.arange(120).reshape(60, 2), np.arange(60) % 2)
    assert written(fitted(tokens), tmp_path).apply(tokens) is tokens.inputs


@pytest.mark.parametrize("scale", ["standard", "global", "minmax", "none"])
def test_rows_in_a_file_are_prepared_as_those_in_memory(tmp_path: Path, scale: str) -> None:
    np.save(tmp_path / "x.npy", NUMBERS)
    mapped = Arrays(Mapped(np.load(tmp_path / "x.npy", mmap_mode="r"), np.dtype(np.float64)), TARGETS)
    preparation = written(fitted(Arrays(NUMBERS, TARGETS), scale), tmp_path)
    rows = preparation.apply(mapped)
    assert isinstance(rows, Mapped)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows[:], np.asarray(preparation.apply(Arrays(NUMBERS, TARGETS))))


def test_the_file_of_a_table_can_be_read(tmp_path: Path) -> None:
    inputs = np.array([[0, 1], [2, 0], [4, 1], [np.nan, 2]] * 15)
    arrays = Arrays(inputs, np.arange(60) % 2, ("age", "colour"), ("no", "yes"), {1: ("blue", "green", "red")})
    preparation, _ = fit_preparation(arrays, np.array([0, 1, 2]), "minmax", "impute")
    write_json(tmp_path / "a.json", FittedPreparation.of(arrays, preparation, 0, 1).to_plain())
    assert (tmp_path / "a.json").read_text().splitlines() == [
        "{",
        '"version": 2,',
        '"input_shape": [2],',
        '"columns": ["age", "colour"],',
        '"kinds": ["number", "category"],',
        '"categories": {"1": ["blue", "green"]},',
        '"fills": [2.0, "green"],',
        '"offset": [0.0],',
        '"scale": [4.0],',
        '"classes": ["no", "yes"],',
        '"target_mean": 0.0,',
        '"target_scale": 1.0,',
        '"target_shape": [],',
        '"tokens": false,',
        '"table": null',
        "}",
    ]


def test_categories_are_known_by_their_names_not_by_their_codes(tmp_path: Path) -> None:
    """New rows may have other categories, so that the same name has another code."""
    preparation = written(fitted(table()), tmp_path)
    shifted = table(COLOURS + 1, ("azure", "blue", "green", "red"))
    expected = np.asarray(preparation.apply(table()))
    np.testing.assert_array_equal(np.asarray(preparation.apply(shifted)), expected)


def test_a_category_that_training_has_not_is_zero_everywhere(tmp_path: Path) -> None:
    preparation = written(fitted(table()), tmp_path)
    unknown = np.asarray(preparation.apply(table(np.full(60, 3.0), ("blue", "green", "red", "white"))))
    has_colour = np.arange(60) % 7 != 0
    assert not unknown[has_colour, 2:].any()
    assert unknown[~has_colour, 2:].any()


# what it is not for


@pytest.mark.parametrize(
    ("others", "message"),
    [
        (replace(table(), columns=("t", "colour", "y")), "columns t, colour, y; got t, colour, x"),
        (replace(table(), categories={}), "columns of text none; got colour"),
        (replace(table(), targets=np.arange(60) % 2, classes=("a", "b")), "classes a, b; got none"),
        (replace(table(), columns=()), "columns none; got t, colour, x"),
    ],
)
def test_other_data_are_refused(others: Arrays, message: str) -> None:
    start = re.escape("preparation.json must be that of these data, ")
    with pytest.raises(UserError, match=f"^{start}{re.escape(message)}$"):
        fitted(table()).apply(others)


def test_samples_of_another_shape_are_refused() -> None:
    others = replace(IMAGES, inputs=np.zeros((60, 1, 4, 5), np.float32))
    with pytest.raises(UserError, match=r"^preparation.json must be that of these data, samples of shape 1, 4, 5; "):
        fitted(IMAGES).apply(others)


def with_dates(order: str, *features: str) -> dict[str, Any]:
    column = {"order": order, "features": features, "first": "2024-01-01"}
    return {"targets": [], "left_out": [], "dates": {"day": column}}


DAMAGES: dict[str, tuple[dict[str, Any], str]] = {
    "another version": ({"version": 3}, "version 3, where this one reads 2"),
    "a target's shape less": ({"target_shape": ...}, "target_shape"),
    "a target of negative size": ({"target_shape": [-1]}, "sizes of a target"),
    "tokens of text": ({"tokens": "no"}, "tokens that are true or false"),
    "dates of another column": ({"table": with_dates("iso", "year")}, "a column for each feature of dates"),
    "a table of another kind": ({"table": []}, "list indices"),
    "dates of an unknown order": ({"table": with_dates("x")}, "known order"),
    "no scale": ({"scale": ...}, "scale"),
    "a scale of 0": ({"scale": [1.0, 0.0]}, "above 0"),
    "an offset less": ({"offset": [1.0]}, "offset and scale of each number"),
    "no number": ({"offset": ["a", 1.0]}, "could not convert"),
    "a fill less": ({"fills": [1.0, "red"]}, "a fill for each feature"),
    "a number for a text": ({"fills": [1.0, 2.0, 3.0]}, "a category"),
    "a text for a number": ({"fills": ["red", "red", 3.0]}, "finite numbers"),
    "a column less": ({"columns": ["t", "colour"]}, "a name for each column"),
    "another kind": ({"kinds": ["number"] * 3}, "a kind for each column"),
    "a column that is not there": ({"categories": {"7": ["blue"]}}, "a kind for each column"),
    "a target of no width": ({"target_scale": 0}, "target_scale"),
    "no target": ({"target_mean": None}, "finite numbers"),
    "a shape of text": ({"input_shape": ["x"]}, "invalid literal"),
}


@pytest.mark.parametrize(("changes", "message"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_refused(changes: dict[str, Any], message: str) -> None:
    plain = {key: value for key, value in {**fitted(table()).to_plain(), **changes}.items() if value is not ...}
    with pytest.raises((KeyError, TypeError, ValueError), match=message):
        FittedPreparation.from_plain(plain)
