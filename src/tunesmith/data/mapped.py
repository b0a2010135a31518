"""Arrays that stay in their file: rows are read, converted and prepared as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32] | NDArray[np.float64] | NDArray[np.int64]
Index = NDArray[np.int64]

# Rows that are read at once when a whole part is gone through. Fitting a scaler takes about six times as much.
CHUNK_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Mapped:
    """An array in a file, (samples, *shape), of any number type; [index] returns rows as float32, float64 or int64.

    dtype: of the rows that are returned.
    prepare: what is done to rows after they are read; it keeps their shape.
    read_dtype: of the rows before they are prepared; None: as they are returned.
    """

    array: NDArray[Any]
    dtype: np.dtype[Any]
    prepare: Callable[[Values], Values] = field(default=lambda rows: rows)
    read_dtype: np.dtype[Any] | None = None

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, index: Index | slice) -> Values:
        """Read rows; the copy is the caller's."""
        dtype = self.read_dtype or self.dtype
        with np.errstate(over="ignore"):  # values too large for the type become infinite and are refused later
            rows: Any = np.asarray(self.array[index]).astype(dtype, copy=isinstance(index, slice))
        return self.prepare(rows)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def size(self) -> int:
        return self.array.size

    @property
    def row_bytes(self) -> int:
        """Bytes of a row in memory."""
        return self.dtype.itemsize * prod(self.shape[1:])

    def then(self, prepare: Callable[[Values], Values], dtype: type | None = None) -> Mapped:
        """Return the same rows with one more preparation; dtype: of the rows that it returns, if it changes it."""
        before = self.prepare
        return replace(
            self,
            dtype=self.dtype if dtype is None else np.dtype(dtype),
            prepare=lambda rows: prepare(before(rows)),
            read_dtype=self.read_dtype or self.dtype,
        )

    def chunks(self, index: Index | None = None) -> Iterator[Values]:
        """Read the rows of an index, or all rows, in the file's order and in pieces of bounded size."""
        return pieces(self, np.arange(len(self)) if index is None else np.sort(index))

    @cached_property
    def extent(self) -> tuple[float, float]:
        """Least and greatest value, read once."""
        extents = [(chunk.min(), chunk.max()) for chunk in self.chunks()]
        return min(least for least, _ in extents), max(greatest for _, greatest in extents)


def pieces(values: Values | Mapped, index: Index | None = None) -> Iterator[Values]:
    """Yield the rows of an index in its order, or all rows, in pieces of bounded size."""
    num = len(values) if index is None else len(index)
    step = max(1, CHUNK_BYTES // (values.dtype.itemsize * prod(values.shape[1:])))
    for start in range(0, num, step):
        yield values[start : start + step] if index is None else values[index[start : start + step]]
