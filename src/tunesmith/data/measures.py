"""What is measured of the parts of a data set before the first step, once for each way in which it is cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.copies import row_hashes, share_met, share_of_neighbours
from tunesmith.data.fitted_preparation import FittedPreparation
from tunesmith.data.give_away import GiveAway, find_give_away
from tunesmith.data.order import measure_order
from tunesmith.data.rows import Rows
from tunesmith.data.shift import Shift, measure_shift
from tunesmith.data.statistics import MAX_MAPPED_VALUES, describe_numbers

if TYPE_CHECKING:
    from torch import Tensor

    from tunesmith.data.splits import Split, Splits

# Rows of a part whose means are compared: evenly spaced ones stand for all.
MAX_ROWS = 5_000
# Copies below these are no finding, and what else is needed to judge them is not measured.
MIN_COPIES, MIN_SHARE = 3, 0.02
# Times between the steps of a clock and the largest one; those of a sorted random number differ by more.
CLOCK_STEPS = 3
OTHERS = ("val", "test")


@dataclass(frozen=True)
class Copies:
    """Rows of a part that equal a row of the training part.

    twins: share of the training part's rows that equal another one of it; neighbours: see share_of_neighbours, 0 if
    there are too few copies to ask.
    """

    rows: int
    share: float
    twins: float
    neighbours: float


@dataclass(frozen=True)
class Measures:
    """copies, shifts: by part, without parts that are empty; target_shifts: of the target, or of each class's share.

    changes: see measure_order; inputs, targets: of the training part, see describe_numbers. None: it cannot be
        measured, as of token ids or of rows in a file.
    """

    copies: Mapping[str, Copies]
    shifts: Mapping[str, Shift]
    target_shifts: Mapping[str, Shift]
    give_away: GiveAway | None
    changes: float | None
    inputs: Mapping[str, float] | None
    targets: Mapping[str, float] | None
    columns: Columns


@dataclass(frozen=True)
class Columns:
    """The columns of a table, numbers first; those of other data have their indices as names.

    names: as it was loaded; prepared_names: as a model gets them, a column for each category; widths: how many columns
    each of the last of `names` became; dates: places of the prepared columns that dates became.
    """

    names: tuple[str | int, ...]
    prepared_names: tuple[str | int, ...]
    widths: tuple[int, ...] = ()
    dates: tuple[int, ...] = ()

    def merged(self, prepared: NDArray[Any]) -> NDArray[Any]:
        """Return a code for each category in place of its columns: (rows, columns) float32."""
        start = prepared.shape[1] - sum(self.widths)
        columns = [prepared[:, :start]]
        for width in self.widths:
            block = prepared[:, start : start + width]
            codes = np.where(block.any(axis=1), block.argmax(axis=1), -1) if width else np.zeros(len(prepared))
            columns.append(codes[:, None].astype(np.float32))
            start += width
        return np.concatenate(columns, axis=1) if self.widths else prepared


def _columns(preparation: FittedPreparation) -> Columns:
    categories = preparation.categories
    names: Sequence[str | int] = preparation.columns or range(prod(preparation.input_shape))
    numbers = [name for column, name in enumerate(names) if column not in categories]
    coded = [f"{names[column]}={each}" for column, texts in categories.items() for each in texts]
    of_dates = preparation.table.features() if preparation.table else {}
    return Columns(
        (*numbers, *(names[column] for column in categories)),
        (*numbers, *coded),
        tuple(len(texts) for texts in categories.values()),
        tuple(column for column, name in enumerate(numbers) if name in of_dates),
    )


def measure_parts(splits: Splits) -> Measures:
    """Measure the parts as a model gets them."""
    others = {name: part for name in OTHERS if len(part := getattr(splits, name)) and len(splits.train)}
    inputs, targets = splits.train.inputs, splits.train.targets
    are_numbers = inputs.dtype.is_floating_point
    has_one_target = targets is not inputs and targets.ndim == 1
    columns = _columns(splits.preparation)
    is_table = are_numbers and inputs.ndim == 2 and not isinstance(inputs, Rows)
    is_in_memory = not isinstance(inputs, Rows)
    known = _numpy(targets[:]) if has_one_target else None
    return Measures(
        copies=_find_copies(splits.train, others, columns) if is_in_memory else {},
        shifts=_find_shifts(splits.train, others, columns) if are_numbers else {},
        target_shifts={} if known is None else _target_shifts(known, others, bool(splits.classes)),
        give_away=_find_give_away(splits, columns) if is_table and has_one_target else None,
        changes=None if known is None else measure_order(known),
        inputs=describe_numbers(inputs),
        targets=describe_numbers(targets),
        columns=columns,
    )


def _find_copies(train: Split, others: Mapping[str, Split], columns: Columns) -> dict[str, Copies]:
    hashes = row_hashes(_numpy(train.inputs))
    twins = share_met(hashes)
    return {name: _copies_of(part, train, hashes, twins, columns) for name, part in others.items()}


def _copies_of(part: Split, train: Split, hashes: NDArray[np.int64], twins: float, columns: Columns) -> Copies:
    rows = int(np.isin(row_hashes(_numpy(part.inputs)), hashes).sum())
    share, neighbours = rows / len(part), 0.0
    if rows >= MIN_COPIES and share >= MIN_SHARE:
        both = np.concatenate([_matrix(train), _matrix(part)]).astype(np.float32)
        neighbours = share_of_neighbours(columns.merged(both) if part.inputs.ndim == 2 else both)
    return Copies(rows, share, twins, neighbours)


def _find_shifts(train: Split, others: Mapping[str, Split], columns: Columns) -> dict[str, Shift]:
    """Compare inputs, but for those that tell the time: parts that are cut by time differ in them as they should."""
    rows = _matrix(train)
    told = {*columns.dates, *np.flatnonzero(_are_clocks(rows)).tolist()}
    kept = [column for column in range(rows.shape[1]) if column not in told]
    if not kept:
        return {}
    found = {name: measure_shift(rows[:, kept], _matrix(part)[:, kept]) for name, part in others.items()}
    return {name: replace(each, column=each.column and kept[each.column]) for name, each in found.items()}


def _are_clocks(rows: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell columns that rise, or fall, from row to row by steps of about one size, as a time or a row's number does."""
    steps = np.diff(rows, axis=0)
    if not len(steps):
        return np.zeros(rows.shape[1], np.bool_)
    clocks: NDArray[np.bool_] = np.logical_or((steps > 0).all(axis=0), (steps < 0).all(axis=0))
    sizes = np.abs(steps[:, clocks])  # of few columns: a median of each would cost as much as all else
    clocks[clocks] = sizes.max(axis=0) <= CLOCK_STEPS * np.median(sizes, axis=0)
    return clocks


def _find_give_away(splits: Splits, columns: Columns) -> GiveAway:
    """Look at validation rows too: of few rows, one of many columns tells the target by chance."""
    parts = (splits.train, splits.val)
    inputs = np.concatenate([_matrix(part) for part in parts])
    return find_give_away(columns.merged(inputs), np.concatenate([_spaced(part.targets, part) for part in parts]))


def _target_shifts(train: NDArray[Any], others: Mapping[str, Split], has_classes: bool) -> dict[str, Shift]:
    labels = np.unique(train) if has_classes else None
    targets = {name: _numpy(part.targets[:]) for name, part in others.items()}
    return {name: measure_shift(_shares(train, labels), _shares(each, labels)) for name, each in targets.items()}


def _shares(targets: NDArray[Any], labels: NDArray[Any] | None) -> NDArray[Any]:
    """Return numbers as a column, or a column for each class."""
    return targets[:, None] if labels is None else (targets[:, None] == labels).astype(np.float32)


def _matrix(part: Split) -> NDArray[Any]:
    """Return evenly spaced rows of a part's inputs, (rows, features)."""
    return _spaced(part.inputs, part)


def _spaced(values: Tensor | Rows, part: Split) -> NDArray[Any]:
    """Return the values of evenly spaced rows: fewer if their inputs are read from a file."""
    most = MAX_ROWS
    if isinstance(part.inputs, Rows):
        most = max(1, MAX_MAPPED_VALUES // max(1, prod(part.inputs.shape[1:])))
    return _numpy(values[:: max(1, -(-len(part) // most))])


def _numpy(values: Any) -> NDArray[Any]:
    array: NDArray[Any] = values.cpu().numpy()
    return array.reshape(len(array), prod(array.shape[1:])) if array.ndim > 1 else array
