"""What a part's file holds comes back as it was; a file that was damaged, or made by others, is no such file."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_outputs import of_classes, of_labels, of_numbers

from tunesmith.insight.part_outputs import NUM_WORST, PartOutputs, read_part_outputs, residual_bins, write_part_outputs

KINDS = {
    "classes": of_classes(0, 1, 1, true=(0, 1, 0)),
    "classes of images": of_classes(0, 1, true=(0, 1), pictures=np.arange(24).reshape(2, 1, 3, 4) / 4),
    "rows of a table": of_numbers([1], [2], columns=np.array(["a"]), rows=np.array([["<b>"]])),
    "labels": of_labels([[0.25, 0.75]], [[1, 0]]),
    "numbers": of_numbers([1e-9, 1e300], [1, 2]),
}


@pytest.mark.parametrize("part", KINDS.values(), ids=KINDS)
def test_what_is_written_is_read(tmp_path: Path, part: PartOutputs) -> None:
    write_part_outputs(tmp_path / "a.npz", part)
    read = read_part_outputs(tmp_path / "a.npz")
    assert read is not None
    for each in fields(PartOutputs):
        wrote, got = getattr(part, each.name), getattr(read, each.name)
        if isinstance(wrote, np.ndarray) and wrote.dtype.kind == "f":
            np.testing.assert_allclose(got, wrote, rtol=1e-6 if part.kind != "numbers" else 0)
        else:
            np.testing.assert_array_equal(got, wrote)


def test_without_a_file_there_is_nothing(tmp_path: Path) -> None:
    assert read_part_outputs(tmp_path / "a.npz") is None


CAT = of_classes(0, 1, true=(0, 1))
DAMAGED: dict[str, PartOutputs] = {
    "a class that there is not": replace(CAT, targets=np.array([0, 2])),
    "a class below the first": replace(CAT, targets=np.array([0, -1])),
    "more outputs than classes": replace(CAT, classes=np.array(["cat"])),
    "fewer targets than outputs": replace(CAT, targets=np.array([0])),
    "no sample": of_classes(true=()),
    "another kind": replace(CAT, kind="masks"),
    "pictures of other samples": replace(CAT, pictures=np.zeros((5, 1, 2, 2))),
    "cells without columns": replace(CAT, rows=np.array([["a"], ["b"]])),
}


@pytest.mark.parametrize("part", DAMAGED.values(), ids=DAMAGED)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, part: PartOutputs) -> None:
    write_part_outputs(tmp_path / "a.npz", part)
    with pytest.raises(ValueError, match=r"^a\.npz is damaged: its arrays do not fit each other$"):
        read_part_outputs(tmp_path / "a.npz")


def written_objects(path: Path) -> None:
    np.savez(path, kind=np.array([{"a": 1}], object))


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:100]),
        lambda path: path.write_text("no archive"),
        lambda path: path.write_bytes(b""),
        lambda path: np.savez(path, kind="classes"),
        written_objects,
    ],
    ids=["cut off", "a text", "empty", "an array alone", "pickled objects"],
)
def test_other_files_are_refused(tmp_path: Path, damage: Any) -> None:
    write_part_outputs(tmp_path / "a.npz", CAT)
    damage(tmp_path / "a.npz")
    with pytest.raises(ValueError, match=r"damaged|cannot be loaded|allow_pickle"):
        read_part_outputs(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("part", "losses"),
    [
        (of_classes(0, 1, true=(0, 0)), [-math.log(0.9), -math.log(0.1)]),
        (of_labels([[0.8, 0.4]], [[1, 0]]), [-(math.log(0.8) + math.log(0.6)) / 2]),
        (of_numbers([[1, 2]], [[2, 4]]), [2.5]),
    ],
    ids=["cross entropy", "of labels", "squared error"],
)
def test_a_loss_ranks_samples(part: PartOutputs, losses: list[float]) -> None:
    np.testing.assert_allclose(part.losses, losses, rtol=1e-9)


def test_the_worst_come_first_and_of_equal_ones_the_first() -> None:
    part = of_numbers(np.zeros(40), [*range(20), *range(20)])
    assert part.worst.tolist() == [19, 39, 18, 38, 17, 37, 16, 36, 15, 35, 14, 34][:NUM_WORST]


@pytest.mark.parametrize(
    ("residuals", "num_bins"),
    [([0.0] * 50, 1), ([1.0, 1 + 1e-15] * 25, 1), ([*range(100)], 15), ([1.0, math.inf], 1)],
    ids=["equal", "equal but for rounding", "spread", "one is infinite"],
)
def test_each_finite_residual_is_in_a_bin(residuals: list[float], num_bins: int) -> None:
    counts, edges = residual_bins(of_numbers(residuals, np.zeros(len(residuals))))
    assert counts.sum() == np.isfinite(residuals).sum()
    assert (len(counts), len(edges)) == (num_bins, num_bins + 1)
