"""Arrays that stay in their file: what [index], chunks and extent read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tunesmith.data import mapped as module
from tunesmith.data.mapped import Mapped

VALUES = np.arange(60).reshape(10, 2, 3)


@pytest.fixture(params=["float32", "float64", "uint8", "int32", "float16", ">f4"])
def array(request: pytest.FixtureRequest, tmp_path: Path) -> NDArray[Any]:
    np.save(tmp_path / "x.npy", VALUES.astype(request.param))
    loaded: NDArray[Any] = np.load(tmp_path / "x.npy", mmap_mode="r")
    return loaded


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
@pytest.mark.parametrize(
    "index",
    [
        pytest.param(np.array([3, 0, 3, 9]), id="rows in any order"),
        pytest.param(slice(2, 5), id="a slice"),
        pytest.param(slice(None), id="all"),
        pytest.param(np.array([], int), id="none"),
    ],
)
def test_rows_are_read_in_their_order_and_as_their_type(array: NDArray[Any], dtype: type, index: Any) -> None:
    rows = Mapped(array, np.dtype(dtype))[index]
    assert (rows.dtype, rows.tolist()) == (dtype, VALUES[index].tolist())


def test_rows_are_the_callers_own(array: NDArray[Any]) -> None:
    mapped = Mapped(array, np.dtype(np.float32))
    for index in (slice(None), np.arange(10)):
        rows = mapped[index]
        rows[:] = -1
        assert type(rows) is np.ndarray
        assert not isinstance(rows.base, np.memmap)
    assert mapped[:].tolist() == VALUES.tolist()


def test_preparations_follow_each_other_row_by_row(array: NDArray[Any]) -> None:
    mapped = Mapped(array, np.dtype(np.float32)).then(lambda rows: rows + 1).then(lambda rows: rows * 10)
    assert mapped[np.array([1])].tolist() == ((VALUES[[1]] + 1) * 10).tolist()


@pytest.mark.parametrize(("chunk_bytes", "sizes"), [(1, [1] * 5), (48, [2, 2, 1]), (2**20, [5])])
def test_chunks_are_of_bounded_size_and_in_the_files_order(
    array: NDArray[Any], monkeypatch: pytest.MonkeyPatch, chunk_bytes: int, sizes: list[int]
) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", chunk_bytes)  # a row takes 24
    chunks = list(Mapped(array, np.dtype(np.float32)).chunks(np.array([9, 0, 4, 2, 7])))
    assert [len(chunk) for chunk in chunks] == sizes
    assert np.concatenate(chunks).tolist() == VALUES[[0, 2, 4, 7, 9]].tolist()


def test_extent_is_that_of_all_rows(array: NDArray[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 1)
    assert Mapped(array, np.dtype(np.float32)).extent == (0, 59)


def test_numbers_beyond_float32_become_infinite(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[1e300]]))
    assert Mapped(np.load(tmp_path / "x.npy", mmap_mode="r"), np.dtype(np.float32))[:].tolist() == [[np.inf]]
