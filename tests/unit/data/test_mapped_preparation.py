"""Preparation by chunks: the numbers of the same scaling in memory, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tunesmith.data import mapped as module
from tunesmith.data.arrays import Arrays
from tunesmith.data.mapped import Mapped
from tunesmith.data.mapped_preparation import mean_and_scale
from tunesmith.data.preparation import fit_preparation
from tunesmith.errors import UserError

RANDOM = np.random.RandomState(0)
VALUES = (RANDOM.randn(200, 3, 4) * [1, 10, 100, 0] + 5).astype(np.float32)
TRAIN = RANDOM.permutation(200)[:120]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 7 * 48)  # seven rows


def mapped(folder: Path, values: NDArray[Any], dtype: type = np.float32) -> Mapped:
    np.save(folder / "x.npy", values)
    return Mapped(np.load(folder / "x.npy", mmap_mode="r"), np.dtype(dtype))


def prepared_rows(inputs: Mapped | NDArray[np.float32], train: NDArray[Any], scale: str, missing: str) -> Any:
    arrays = Arrays(inputs, np.zeros(len(inputs), np.float32))
    return fit_preparation(arrays, train, scale, missing)[0].apply(inputs)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("scale", ["standard", "global", "minmax", "none"])
def test_rows_are_scaled_as_in_memory(tmp_path: Path, scale: str) -> None:
    expected = prepared_rows(VALUES, TRAIN, scale, "refuse")
    prepared = prepared_rows(mapped(tmp_path, VALUES), TRAIN, scale, "refuse")
    order = RANDOM.permutation(200)
    np.testing.assert_allclose(prepared[order], expected[order], rtol=1e-5, atol=1e-5)
    assert (prepared[order].dtype, prepared[order].shape) == (np.float32, (200, 3, 4))


@pytest.mark.usefixtures("small_chunks")
def test_mean_and_scale_of_all_numbers(tmp_path: Path) -> None:
    expected = VALUES[TRAIN].mean(dtype=np.float64), VALUES[TRAIN].std(dtype=np.float64)
    assert mean_and_scale(mapped(tmp_path, VALUES), TRAIN) == pytest.approx(expected)
    assert mean_and_scale(mapped(tmp_path, np.full((200, 2), 3.0)), TRAIN) == (3, 1)


def test_token_ids_stay_as_they_are(tmp_path: Path) -> None:
    tokens = np.arange(400).reshape(200, 2)
    assert prepared_rows(mapped(tmp_path, tokens, np.int64), TRAIN, "standard", "refuse")[:].tolist() == tokens.tolist()


@pytest.mark.parametrize(
    ("scale", "missing", "message"),
    [
        pytest.param("robust", "refuse", r"data\.scale must be one of standard, .*; got 'robust', which ", id="robust"),
        pytest.param(
            "none", "impute", r"data\.missing must be refuse if data\.mapped=true .*; got impute$", id="impute"
        ),
    ],
)
def test_what_needs_all_values_is_refused(tmp_path: Path, scale: str, missing: str, message: str) -> None:
    with pytest.raises(UserError, match=f"^{message}"):
        prepared_rows(mapped(tmp_path, VALUES), TRAIN, scale, missing)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_gap_is_refused_when_it_is_read(tmp_path: Path, value: float) -> None:
    message = r"^data must be whole and finite; got 1 missing or infinite values in 2 rows that were read; "
    values = VALUES.copy()
    values[7, 0, 0] = value
    prepared = prepared_rows(mapped(tmp_path, values), np.array([0, 1]), "standard", "refuse")
    assert np.isfinite(prepared[np.array([6, 8])]).all()
    with pytest.raises(UserError, match=message):
        prepared[np.array([6, 7])]
    with pytest.raises(UserError, match=message):
        prepared_rows(mapped(tmp_path, values), np.array([6, 7]), "standard", "refuse")
