"""New samples in arrays: their files, shapes and types."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tunesmith.data.arrays import Arrays
from tunesmith.data.fitted_preparation import FittedPreparation
from tunesmith.data.preparation import fit_preparation
from tunesmith.data.sources import new_arrays
from tunesmith.data.sources.new_arrays import read_array, read_array_file
from tunesmith.errors import UserError

IMAGES = np.random.default_rng(0).random((20, 1, 3, 3), np.float32)


def of(inputs: NDArray[Any]) -> FittedPreparation:
    arrays = Arrays(inputs, np.arange(len(inputs)) % 2)
    return FittedPreparation.of(arrays, fit_preparation(arrays, np.arange(10), "standard", "refuse")[0], 0, 1)


def test_an_array_stays_in_its_file_unless_it_is_compressed(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", inputs=IMAGES, targets=np.arange(20))
    np.savez_compressed(tmp_path / "b.npz", inputs=IMAGES)
    np.save(tmp_path / "c.npy", IMAGES)
    found = [read_array_file(tmp_path / name) for name in ("a.npz", "b.npz", "c.npy")]
    assert [isinstance(array, np.memmap) for array in found] == [True, False, True]
    for array in found:
        np.testing.assert_array_equal(array, IMAGES)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.npz", {"images": IMAGES}, "inputs: {path} must hold an array 'inputs'; got 'images'"),
        ("a.npz", {}, "inputs: {path} must hold an array 'inputs'; got none"),
        (
            "a.npz",
            {"inputs": np.array(["a", {}], object)},
            "inputs must be a file of plain arrays; got {path} (Object ",
        ),
        ("a.npz", b"PK no zip", "inputs must be a file of plain arrays; got {path} (File is not a zip file)"),
        ("a.npy", b"x,y\n1,2\n", "inputs must be a file of plain arrays; got {path} ("),
        ("a.npz", {"inputs": np.float64(3)}, "inputs must be an array of samples; got one value in {path}"),
    ],
    ids=["another name", "nothing", "objects", "no zip", "no npy", "one value"],
)
def test_a_file_without_such_an_array_is_refused(
    tmp_path: Path, name: str, content: dict[str, Any] | bytes, message: str
) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.savez(path, **content)
    with pytest.raises(UserError, match=f"^{re.escape(message.format(path=path))}"):
        read_array_file(path)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (IMAGES[:, 0], "inputs must be of shape (samples, 1, 3, 3); got (20, 3, 3) in x"),
        (IMAGES[0], "inputs must be of shape (samples, 1, 3, 3); got (1, 3, 3) in x"),
        (IMAGES.astype(str), "inputs must be numbers; got <U32 in x"),
        (IMAGES.astype(complex), "inputs must be numbers; got complex128 in x"),
    ],
    ids=["an axis less", "a single sample", "texts", "complex numbers"],
)
def test_other_samples_are_refused(inputs: NDArray[Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        list(read_array(inputs, of(IMAGES), "x"))


def test_one_number_a_sample_is_a_column() -> None:
    column = np.arange(10.0)
    (found,) = read_array(column, of(column[:, None]), "x")
    assert found.inputs.shape == (10, 1)


def test_large_arrays_come_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_arrays, "CHUNK_BYTES", 6 * 9 * 8)
    assert [len(each.inputs) for each in read_array(IMAGES, of(IMAGES), "x")] == [6, 6, 6, 2]
