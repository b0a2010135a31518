"""The digest of a data set: it differs whenever the data differ, and only then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tunesmith.data.arrays import Arrays
from tunesmith.data.digest import MAPPED_ROW_BYTES, NUM_DIGITS, PIECE_BYTES, digest
from tunesmith.data.mapped import Mapped

INPUTS = np.arange(60, dtype=np.float32).reshape(20, 3)
TARGETS = np.arange(20) % 2
SET = Arrays(INPUTS, TARGETS, ("a", "b", "c"), ("no", "yes"), {2: tuple(map(str, range(60)))})


def changed(values: NDArray[Any], place: Any, value: Any) -> NDArray[Any]:
    copy = values.copy()
    copy[place] = value
    return copy


# What differs -> how.
CHANGES: dict[str, dict[str, Any]] = {
    "a value": {"inputs": changed(INPUTS, (7, 1), 22.000002)},
    "a gap": {"inputs": changed(INPUTS, (7, 1), np.nan)},
    "a target": {"targets": changed(TARGETS, 19, 0)},
    "two rows in another order": {"inputs": INPUTS[[1, 0, *range(2, 20)]]},
    "all rows in another order": {"inputs": INPUTS[::-1], "targets": TARGETS[::-1]},
    "values that moved between rows": {"inputs": changed(INPUTS, ([0, 1], 0), [3, 0])},
    "one row less": {"inputs": INPUTS[:-1], "targets": TARGETS[:-1]},
    "the shape": {"inputs": INPUTS.reshape(20, 1, 3), "columns": (), "categories": {}},
    "the type of the targets": {"targets": TARGETS.astype(np.float32), "classes": ()},
    "a column's name": {"columns": ("a", "b", "d")},
    "a class's name": {"classes": ("no", "Yes")},
    "a category's name": {"categories": {2: tuple(map(str, range(1, 61)))}},
    "the column of the categories": {"categories": {1: tuple(map(str, range(60)))}},
    "the test part": {"num_test": 5},
    "the order in time": {"order": np.arange(20.0)},
    "the groups": {"groups": np.arange(20)},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_what_differs_has_another_digest(changes: dict[str, Any]) -> None:
    assert digest(replace(SET, **changes)) != digest(SET)


def test_groups_are_no_order() -> None:
    times = np.arange(20.0)
    assert digest(replace(SET, order=times)) != digest(replace(SET, groups=times.view(np.int64)))


def test_the_same_data_have_the_same_digest_wherever_they_lie_in_memory() -> None:
    copy = replace(SET, inputs=np.asfortranarray(INPUTS.copy()), targets=np.repeat(TARGETS, 2)[::2])
    assert digest(copy) == digest(SET)
    assert len(digest(SET)) == NUM_DIGITS


def test_a_digest_is_the_same_in_each_process_and_on_each_machine() -> None:
    assert digest(SET) == "4ca25974cda2f24435341c190cba004f"


@pytest.mark.parametrize("row", [0, 1, 2, 3, -1])
def test_every_piece_counts(row: int) -> None:
    wide = np.zeros((5, PIECE_BYTES // 8), np.float32)  # two rows a piece
    targets = np.arange(5.0, dtype=np.float32)
    assert digest(Arrays(changed(wide, (row, -1), 1), targets)) != digest(Arrays(wide, targets))


def test_two_pieces_in_another_order() -> None:
    wide = np.repeat(np.arange(5, dtype=np.float32)[:, None], PIECE_BYTES // 4, axis=1)
    targets = np.zeros(5, np.float32)
    assert digest(Arrays(wide[[1, 0, 2, 3, 4]], targets)) != digest(Arrays(wide, targets))


# arrays in a file


def mapped(folder: Path, values: NDArray[Any], targets: NDArray[Any] | None = None) -> Arrays:
    np.save(folder / "inputs.npy", values)
    array = np.load(folder / "inputs.npy", mmap_mode="r")
    targets = np.zeros(len(values), np.float32) if targets is None else targets
    return Arrays(Mapped(array, np.dtype(np.float32)), targets)


MAPPED = np.arange(60, dtype=np.uint8).reshape(20, 3)


@pytest.mark.parametrize("row", [0, 7, 19])
def test_each_row_of_a_small_file_counts(tmp_path: Path, row: int) -> None:
    before = digest(mapped(tmp_path, MAPPED))
    assert digest(mapped(tmp_path, changed(MAPPED, (row, 2), 255))) != before


@pytest.mark.parametrize(
    "values",
    [MAPPED[::-1], MAPPED[:-1], MAPPED.reshape(20, 1, 3), MAPPED.astype(np.int16), MAPPED.astype(">i2")],
    ids=["order", "rows", "shape", "type", "type and bytes"],
)
def test_other_files_have_another_digest(tmp_path: Path, values: NDArray[Any]) -> None:
    before = digest(mapped(tmp_path, MAPPED))
    assert digest(mapped(tmp_path, values)) != before


def test_the_order_of_bytes_in_a_file_is_no_difference(tmp_path: Path) -> None:
    assert digest(mapped(tmp_path, MAPPED.astype(">i2"))) == digest(mapped(tmp_path, MAPPED.astype("<i2")))


def test_a_large_file_is_known_by_rows_spread_evenly(tmp_path: Path) -> None:
    values = np.zeros((5001, 2), np.float32)
    before = digest(mapped(tmp_path, values))
    for start in (0, 1234, 2500, 4995):
        assert digest(mapped(tmp_path, changed(values, slice(start, start + 6), 1))) != before
    assert digest(mapped(tmp_path, np.zeros((5000, 2), np.float32))) != before


def test_of_a_long_row_in_a_file_the_start_counts(tmp_path: Path) -> None:
    values = np.zeros((4, MAPPED_ROW_BYTES + 1), np.uint8)
    before = digest(mapped(tmp_path, values))
    assert digest(mapped(tmp_path, changed(values, (1, MAPPED_ROW_BYTES - 1), 1))) != before
    assert digest(mapped(tmp_path, changed(values, (1, MAPPED_ROW_BYTES), 1))) == before
