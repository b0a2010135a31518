"""A short text that tells whether two data sets are the same: of the arrays as a source loads them."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.arrays import Arrays
from tunesmith.data.mapped import Mapped

# Hexadecimal digits of a digest: 128 bits.
NUM_DIGITS = 32
# Values are read in pieces of this size, each of which has its own checksum.
PIECE_BYTES = 4 * 2**20
# Of an array in a file so many rows are read, spread evenly, and of a row at most so many bytes: 64 MiB in all.
NUM_MAPPED_ROWS, MAPPED_ROW_BYTES = 1000, 64 * 2**10


def digest(arrays: Arrays) -> str:
    """Return the digest of all that a source returns: values, their order, types, shapes and names.

    It is that of the arrays before they are cut, prepared or converted to float32. Of arrays that stay in their file it
    knows the shape and NUM_MAPPED_ROWS rows: a change elsewhere goes unseen.
    """
    names = (arrays.columns, arrays.classes, sorted(arrays.categories.items()), arrays.num_test)
    found = hashlib.sha256(repr(names).encode())
    for values in (arrays.inputs, arrays.targets, arrays.order, arrays.groups):
        found.update(b"none" if values is None else _of_values(values))
    return found.hexdigest()[:NUM_DIGITS]


def _of_values(values: NDArray[Any] | Mapped) -> bytes:
    """Return a digest of the CRC-32 of each piece: 200 MB take .05 s, SHA-256 of all values takes more than .1 s."""
    is_mapped = isinstance(values, Mapped)
    array = values.array if isinstance(values, Mapped) else values
    pieces = _mapped_rows(array) if is_mapped else _pieces(array)
    head = repr((is_mapped, array.dtype.str.lstrip("<>=|"), array.shape))
    return hashlib.sha256(head.encode() + b"".join(_checksum(piece) for piece in pieces)).digest()


def _checksum(piece: NDArray[Any]) -> bytes:
    """Return the CRC-32 of values as they are on a little-endian machine, row by row."""
    plain = np.ascontiguousarray(piece, piece.dtype.newbyteorder("<"))
    return zlib.crc32(plain.reshape(-1).view(np.uint8).data).to_bytes(4, "little")


def _pieces(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    step = max(1, PIECE_BYTES // max(1, array.itemsize * prod(array.shape[1:])))
    for start in range(0, len(array), step):
        yield array[start : start + step]


def _mapped_rows(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for row in np.unique(np.linspace(0, len(array) - 1, min(NUM_MAPPED_ROWS, len(array))).round().astype(np.int64)):
        yield array[row].reshape(-1)[: MAPPED_ROW_BYTES // array.itemsize]
