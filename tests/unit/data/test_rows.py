"""Rows of a part in a file: the tensors that [index] reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tunesmith.data.mapped import Mapped
from tunesmith.data.rows import Rows

INDEX = np.array([5, 1, 8])


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    np.save(tmp_path / "x.npy", np.arange(20, dtype=np.uint8).reshape(10, 2))
    return Rows(Mapped(np.load(tmp_path / "x.npy", mmap_mode="r"), np.dtype(np.float32)), INDEX)


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        pytest.param(torch.tensor([2, 0, 2]), [[16, 17], [10, 11], [16, 17]], id="some, in their order"),
        pytest.param(slice(0, 2), [[10, 11], [2, 3]], id="the first two"),
        pytest.param(slice(1, None, 2), [[2, 3]], id="one rank's share"),
        pytest.param(slice(None), [[10, 11], [2, 3], [16, 17]], id="all"),
    ],
)
def test_an_index_counts_the_parts_own_rows(rows: Rows, which: torch.Tensor | slice, expected: list[list[int]]) -> None:
    assert torch.equal(rows[which], torch.tensor(expected, dtype=torch.float32))


def test_rows_look_like_the_tensor_that_they_are_read_to(rows: Rows) -> None:
    whole = rows[:]
    assert (rows.shape, rows.ndim, rows.dtype, len(rows)) == (whole.shape, whole.ndim, whole.dtype, len(whole))


def test_rows_are_read_to_a_device(rows: Rows) -> None:
    assert rows.to(torch.device("meta"))[:].device.type == "meta"
    assert rows[:].device.type == "cpu"
