"""The user's own table: CSV -> Arrays."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.arrays import Arrays, narrow
from tunesmith.data.sources.cells import CellFormat
from tunesmith.data.sources.dates import find_dates, read_dates, seconds
from tunesmith.data.sources.table_file import TableFile, read_table
from tunesmith.data.sources.table_inputs import KEEP_WORDS, Reading, counts_rows, describe_words, read_columns
from tunesmith.data.sources.table_targets import check_target, read_target, read_targets
from tunesmith.data.table_columns import DATE_FEATURES, DateColumn, TableColumns
from tunesmith.errors import UserError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Csv:
    """A CSV table with a header; missing values become NaN, columns of text become categories.

    target: the column to predict, or several columns of numbers, or None if each row is its own target.
    task: auto, classification or regression.
    drop: columns to leave out; max_categories: a column with more different texts than this is left out.
    na_values, keep_default_na, decimal, thousands: see CellFormat; header: see TableFile.
    dates: what a column of dates becomes: parts, elapsed, drop, or text (categories: version 0.1.0's only choice).
    split_column: numbers or dates that order the rows in time, or values that each name a group of rows; no input,
        unless it holds dates.
    """

    path: str
    target: str | tuple[str, ...] | None
    task: str
    drop: tuple[str, ...]
    separator: str
    encoding: str
    na_values: tuple[str, ...]
    max_categories: int
    dates: str = "text"
    split_column: str | None = None
    header: int | None = 0
    keep_default_na: bool = True
    decimal: str = "."
    thousands: str | None = None

    def load(self) -> Arrays:
        named = {"data.target": self._target, "data.drop": tuple(map(str, self.drop)), "data.split_column": self._split}
        form = CellFormat(self.na_values, self.keep_default_na, self.decimal, self.thousands)
        frame, words = read_table(TableFile(self.path, self.separator, self.encoding, self.header), form, named)
        self._check_names(named["data.drop"])
        in_file = tuple(frame.columns)
        counters = {name for name in frame.columns if counts_rows(frame[name])}
        for name in self._target:
            check_target(frame[name], self.task, form)
        frame = self._with_targets(frame.drop(columns=list(set(named["data.drop"]))), words)
        if len(self._target) == 1:
            targets, classes = read_target(frame[self._target[0]], self.task)
        else:
            targets, classes = read_targets(frame[list(self._target)], self.task), ()
        frame = frame.drop(columns=list(self._target))
        found = {} if self.dates == "text" else _date_columns(frame)
        dates = {name: values for name, (values, _) in found.items()}
        order, groups = self._order(frame, dates)
        frame = frame.drop(columns=[name for name in self._split if name not in dates])
        columns = read_columns(frame, Reading(form, self.max_categories, dates, self.dates, counters, words))
        if not columns.values:
            beside = f" beside {', '.join(self._target)}" if self._target else ""
            raise UserError(f"data.path must have a column{beside} to learn from; got {self.path}")
        inputs = narrow(np.stack(columns.values, axis=1))
        names = tuple(columns.names)
        table = self._table(in_file, names, found)
        return Arrays(inputs, targets, names, classes, columns.categories, order=order, groups=groups, table=table)

    def _table(self, in_file: Sequence[str], inputs: Sequence[str], dates: Mapping[str, Any]) -> TableColumns:
        """Return what the file's columns were; inputs: names; dates: column -> dates, and how they are written."""
        features = {name: tuple(part for part in DATE_FEATURES if f"{name}.{part}" in inputs) for name in dates}
        used = {
            name: DateColumn(order, features[name], values.min().isoformat())
            for name, (values, order) in dates.items()
            if features[name]
        }
        others = tuple(name for name in in_file if name not in (*inputs, *used, *self._target))
        return TableColumns(self._target, others, used)

    @property
    def _target(self) -> tuple[str, ...]:
        """Names of the target columns, as texts: Hydra reads a column called 2 as a number."""
        if self.target is None:
            return ()
        return tuple(map(str, self.target)) if isinstance(self.target, tuple) else (str(self.target),)

    @property
    def _split(self) -> tuple[str, ...]:
        return () if self.split_column is None else (str(self.split_column),)

    def _check_names(self, dropped: tuple[str, ...]) -> None:
        if len(set(self._target)) < len(self._target):
            raise UserError(f"data.target must name each column once; got {', '.join(self._target)}")
        for name in self._target:
            if name in dropped:
                raise UserError(f"data.drop must leave the target in; got '{name}'")
        for name in self._split:
            if name in (*dropped, *self._target):
                key = "data.drop" if name in dropped else "data.target"
                raise UserError(f"data.split_column must be a column that {key} does not name; got '{name}'")

    def _with_targets(self, frame: Any, words: Mapping[str, Mapping[str, int]]) -> Any:
        """Return the rows that have all targets."""
        from pandas.api.types import is_numeric_dtype

        names = ", ".join(self._target)
        is_known = frame[list(self._target)].notna().all(axis=1)
        if not is_known.all():
            log.warning("data: %d of %d rows have no %s; they are left out", (~is_known).sum(), len(frame), names)
            for name in self._target:
                if name in words and not is_numeric_dtype(frame[name]):
                    log.warning("data: %s has %s rows, %s", name, describe_words(words[name]), KEEP_WORDS)
            frame = frame[is_known]
        if frame.empty:
            what = f" with a {names}" if names else ""
            raise UserError(f"data.path must have rows{what}; got {self.path}, which has none")
        return frame

    def _order(
        self, frame: Any, dates: Mapping[str, Any]
    ) -> tuple[NDArray[np.float64] | None, NDArray[np.int64] | None]:
        """Return what orders the rows in time: the split column, or else the only column of dates; and their groups."""
        from pandas.api.types import is_numeric_dtype

        if self.split_column is None:
            only = [seconds(column).to_numpy(np.float64) for column in dates.values()] if len(dates) == 1 else []
            return next((order for order in only if not np.isnan(order).any()), None), None
        column = frame[self._split[0]]
        if column.isna().any():
            gaps = f"{column.name}, which has none in {column.isna().sum()} of {len(column)} rows"
            raise UserError(f"data.split_column must have a value in each row; got {gaps}")
        found = dates.get(self._split[0])
        if found is None and not is_numeric_dtype(column):
            found = read_dates(column)
        order = column if is_numeric_dtype(column) else None if found is None else seconds(found)
        groups = column.factorize()[0].astype(np.int64)
        return None if order is None else order.to_numpy(np.float64), groups


def _date_columns(frame: Any) -> dict[str, tuple[Any, str]]:
    from pandas.api.types import is_numeric_dtype

    read = {name: find_dates(frame[name]) for name in frame.columns if not is_numeric_dtype(frame[name])}
    return {name: dates for name, dates in read.items() if dates is not None}
