"""Arrays that stay in their file: rows are read, converted and prepared as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32] | NDArray[np.int64]
Index = NDArray[np.int64]

# Rows that are read at once when a whole part is gone through. Fitting a scaler takes about six times as much.
CHUNK_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Mapped:
    """An array in a file, (samples, *shape), of any number type; [index] returns rows as float32 or int64.

    dtype: of the rows that are returned, float32 or int64.
    prepare: what is done to rows after they are read; it keeps their shape.
    """

    array: NDArray[Any]
    dtype: np.dtype[Any]
    prepare: Callable[[Values], Values] = field(default=lambda rows: rows)

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, index: Index | slice) -> Values:
        """Read rows; the copy is the caller's."""
        with np.errstate(over="ignore"):  # values too large for float32 become infinite and are refused later
            rows: Any = np.asarray(self.array[index]).astype(self.dtype, copy=isinstance(index, slice))
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

    def then(self, prepare: Callable[[Values], Values]) -> Mapped:
        """Return the same rows with one more preparation."""
        before = self.prepare
        return replace(self, prepare=lambda rows: prepare(before(rows)))

    def chunks(self, index: Index | None = None) -> Iterator[Values]:
        """Read the rows of an index, or all rows, in the file's order and in pieces of bounded size."""
        rows = np.arange(len(self)) if index is None else np.sort(index)
        step = max(1, CHUNK_BYTES // self.row_bytes)
        for start in range(0, len(rows), step):
            yield self[rows[start : start + step]]

    @cached_property
    def extent(self) -> tuple[float, float]:
        """Least and greatest value, read once."""
        extents = [(chunk.min(), chunk.max()) for chunk in self.chunks()]
        return min(least for least, _ in extents), max(greatest for _, greatest in extents)
