"""Rows of one part that another part has as well, told from twins that a data set of few values has by nature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

# Columns of which one at a time is left out: the first ones to show whether rows are near to each other by nature.
MAX_LEFT_OUT = 64
# A column with so few different values is one of those by which many rows differ in one place alone.
FEW_VALUES = 16


def row_hashes(rows: NDArray[Any]) -> NDArray[np.int64]:
    """Return a number per row that equal rows share; rows: (rows, ...)."""
    flat = np.ascontiguousarray(rows.reshape(len(rows), -1))
    return np.array([hash(row.tobytes()) for row in flat], np.int64)


def share_of_neighbours(rows: NDArray[Any]) -> float:
    """Return the share of the different rows that equal another row but for one column, or for half of the coarse ones.

    It is large if a table has few values, so that rows meet by chance, and about zero of measured numbers or pictures:
    there, only a copy equals a row. rows: (rows, columns) of four bytes a value.
    """
    mixed = _mixed(rows)
    _, first = np.unique(mixed.sum(axis=1, dtype=np.uint64), return_index=True)
    mixed = mixed[first]
    whole = mixed.sum(axis=1, dtype=np.uint64)
    if len(whole) < 2:
        return 1.0
    return max(share_met(whole - left_out) for left_out in _left_out(rows[first], mixed))


def _mixed(rows: NDArray[Any]) -> Hashes:
    """Return a random-looking number for each value in each column, (rows, columns), by splitmix64 (Steele 2014).

    The sum over a row's columns tells the row; without those of a column, it tells the rest of the row.
    """
    with np.errstate(over="ignore"):
        seeds = np.arange(1, rows.shape[1] + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        mixed = np.ascontiguousarray(rows).view(np.uint32).astype(np.uint64) + seeds
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        return mixed ^ (mixed >> np.uint64(31))


def _left_out(rows: NDArray[Any], mixed: Hashes) -> Iterator[Hashes]:
    """Yield what is taken off each row's sum, (rows,): a column's numbers, or those of half of the coarse columns."""
    width = rows.shape[1]
    for column in np.unique(np.linspace(0, width - 1, min(width, MAX_LEFT_OUT)).astype(int)):
        yield mixed[:, column]
    coarse = [column for column in range(width) if len(np.unique(rows[:200, column])) <= FEW_VALUES]
    for half in (coarse[: len(coarse) // 2], coarse[len(coarse) // 2 :]):
        if len(half) > 1:
            yield mixed[:, half].sum(axis=1, dtype=np.uint64)


def share_met(hashes: Hashes | NDArray[np.int64]) -> float:
    """Return the share of rows that meet another one; hashes: (rows,)."""
    _, counts = np.unique(hashes, return_counts=True)
    return float(counts[counts > 1].sum() / max(1, len(hashes)))
