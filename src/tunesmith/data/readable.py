"""Prepared inputs -> what the source gave, for people to read: pixels, or a table's cells as texts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.fitted_preparation import FittedPreparation

# Columns of a table of which cells are kept.
MAX_COLUMNS = 50


def source_numbers(preparation: FittedPreparation, prepared: NDArray[Any]) -> NDArray[np.float64]:
    """Return inputs that are numbers in the source's unit; missing values are filled.

    prepared: (rows, *input_shape), float32, of inputs without categories.
    """
    flat = prepared.reshape(len(prepared), -1).astype(np.float64)
    if preparation.scaling is not None:
        flat = flat * preparation.scaling.scale + preparation.scaling.offset
    return flat.reshape(prepared.shape)


def table_cells(preparation: FittedPreparation, prepared: NDArray[Any]) -> tuple[list[str], list[list[str]]]:
    """Return names of a table's first MAX_COLUMNS columns, and the cells of each row.

    prepared: (rows, numbers and categories), float32. A category that training did not have is "?".
    """
    num_columns = preparation.input_shape[0]
    names = list(preparation.columns) or [str(column) for column in range(num_columns)]
    numbers = num_columns - len(preparation.categories)
    cells: dict[int, list[str]] = {}
    start = numbers
    for column, categories in preparation.categories.items():
        hot = prepared[:, start : start + len(categories)]
        cells[column] = [categories[int(row.argmax())] if row.any() else "?" for row in hot]
        start += len(categories)
    values = iter(source_numbers(preparation, prepared[:, :numbers]).T)
    columns = [cells.get(column) or [f"{value:.6g}" for value in next(values)] for column in range(num_columns)]
    shown = columns[:MAX_COLUMNS]
    return names[:MAX_COLUMNS], [list(row) for row in zip(*shown, strict=True)]
