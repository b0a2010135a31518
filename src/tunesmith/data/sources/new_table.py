"""New rows of a table, a CSV file or a frame -> inputs, read as the table of a run was."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.arrays import Arrays, narrow
from tunesmith.data.fitted_preparation import FittedPreparation
from tunesmith.data.sources.cells import TRUTH, CellFormat, read_cells, read_texts
from tunesmith.data.sources.dates import date_feature, parse_dates
from tunesmith.data.sources.table_file import TableFile, explained, missing_options, read_header, reading_options
from tunesmith.data.sources.table_inputs import to_numbers
from tunesmith.data.table_columns import TableColumns
from tunesmith.errors import UserError, list_names

log = logging.getLogger(__name__)

# Cells that are read at once: some 100 MB as texts.
CELLS = 2_000_000


@dataclass
class NewTable:
    """Turns rows into inputs, and remembers the categories that the run has not seen.

    preparation: of the run, whose columns the rows must have, in any order; form: how the run's table was written.
    name: of the file, for messages.
    """

    preparation: FittedPreparation
    form: CellFormat
    name: str
    unseen: dict[str, Counter[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.table = self.preparation.table or TableColumns()
        self.features = self.table.features()

    @property
    def wanted(self) -> list[str]:
        """Names of the columns that rows must have."""
        return list(dict.fromkeys(self.features.get(name, (name,))[0] for name in self.preparation.columns))

    def read_file(self, file: TableFile) -> Iterator[Arrays]:
        """Yield the inputs of a CSV file, in its order and in pieces of bounded size.

        Raises:
            UserError: the file is no table, or not one of these columns.
        """
        import pandas

        header = read_header(file)
        self.check_columns(header, file)
        options = {**reading_options(file), **missing_options(self.form)}
        with explained(file):
            named = {str(name).strip(): name for name in pandas.read_csv(file.path, nrows=0, **options)}
        texts = {named[name]: str for name in self._texts if name in named}
        rows = max(1, CELLS // len(header))
        with explained(file), pandas.read_csv(file.path, dtype=texts, chunksize=rows, **options) as chunks:
            for chunk in chunks:
                chunk.index += 1  # people count from 1
                yield self.to_arrays(chunk.rename(columns=lambda name: str(name).strip()))

    def read_frame(self, frame: Any) -> Iterator[Arrays]:
        """Yield the inputs of a frame; raises UserError if it has not these columns."""
        named = frame.rename(columns=lambda name: str(name).strip())
        self.check_columns(list(named.columns))
        yield self.to_arrays(named)

    def check_columns(self, names: Sequence[str], file: TableFile | None = None) -> None:
        """Raise UserError unless there is each column once, in any order; say which ones are not used."""
        missing = [name for name in self.wanted if name not in names]
        others = [name for name in names if name not in (*self.wanted, *self.table.left_out)]
        if missing:
            hint = "".join(_similar(name, others) for name in missing[:1]) + (_hint_of_format(names, file))
            raise UserError(
                f"inputs must have the columns that the model was trained on; {self.name} lacks "
                f"{list_names(map(repr, missing))}{hint}"
            )
        twice = [name for name in self.wanted if names.count(name) > 1]
        if twice:
            raise UserError(f"inputs must have each column once; {self.name} has {list_names(map(repr, twice))} twice")
        if others:
            log.warning("inputs: not used, as the model has not learnt from it: %s", list_names(map(repr, others)))

    def to_arrays(self, frame: Any) -> Arrays:
        """Return the inputs of a frame with these columns.

        Raises:
            UserError: a column has texts for numbers, or other dates.
        """
        values: list[NDArray[np.float64]] = []
        categories: dict[int, tuple[str, ...]] = {}
        dates = {name: self._dates(frame[name]) for name in self.table.dates if name in frame}
        for index, name in enumerate(self.preparation.columns):
            if name in self.features:
                column, feature = self.features[name]
                first = datetime.fromisoformat(self.table.dates[column].first)
                values.append(to_numbers(date_feature(dates[column], feature, first)))
            elif index in self.preparation.categories:
                codes, categories[index] = self._categories(frame[name], self.preparation.categories[index])
                values.append(codes)
            else:
                values.append(self._numbers(frame[name]))
        inputs = narrow(np.stack(values, axis=1))
        no_targets = np.zeros((len(inputs), 0), np.float32)
        return Arrays(inputs, no_targets, self.preparation.columns, categories=categories)

    def warn(self) -> None:
        """Say which categories are new, once all rows are read."""
        for name, found in self.unseen.items():
            texts = list_names(repr(text) for text, _ in found.most_common())
            log.warning(
                "inputs: column %s has %s, in %d of the rows, which the model has not learnt: none of its categories",
                *(name, texts, found.total()),
            )

    @property
    def _texts(self) -> list[str]:
        """Columns that are read as they are written: 1 may be a category's name."""
        return [*(self.preparation.columns[index] for index in self.preparation.categories), *self.table.dates]

    def _numbers(self, column: Any) -> NDArray[np.float64]:
        from pandas.api.types import is_numeric_dtype

        if not is_numeric_dtype(column):
            texts = _as_texts(column)
            column, _ = read_cells(texts, self.form)
            if not is_numeric_dtype(column):
                known = column.dropna()
                bad = known[[self.form.number(text) is None and text not in TRUTH for text in known]]
                raise UserError(f"inputs: column {column.name} must hold numbers; got {_shown(bad, self.name)}")
        return to_numbers(column)

    def _categories(self, column: Any, known: Sequence[str]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        texts, _ = read_texts(_as_texts(column), self.form)
        codes, names = texts.factorize()
        found = tuple(map(str, names))
        new = Counter({name: int((codes == code).sum()) for code, name in enumerate(found) if name not in known})
        if new:
            self.unseen[str(column.name)] = self.unseen.get(str(column.name), Counter()) + new
        return np.where(codes < 0, np.nan, codes).astype(np.float64), found

    def _dates(self, column: Any) -> Any:
        from pandas import to_datetime
        from pandas.api.types import is_datetime64_any_dtype

        if is_datetime64_any_dtype(column):
            return to_datetime(column, utc=True)
        texts, _ = read_texts(_as_texts(column), self.form)
        order = self.table.dates[str(column.name)].order
        dates = parse_dates(texts, order)
        if dates is None:
            known = texts.dropna()
            bad = known[[parse_dates(known[[place]], order) is None for place in known.index]]
            got = _shown(bad if len(bad) else known, self.name)
            raise UserError(f"inputs: column {column.name} must hold dates, written as for training; got {got}")
        return dates


def _as_texts(column: Any) -> Any:
    """Return a column as texts, (rows,) of pandas' str; a whole number is written without decimals."""
    return column.astype(object).map(_as_text, na_action="ignore").astype("str")


def _as_text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _shown(bad: Any, name: str) -> str:
    more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
    return f"{bad.iloc[0]!r} in row {bad.index[0]} of {name}{more}"


def _similar(name: str, others: Sequence[str]) -> str:
    match = get_close_matches(name, others, n=1)
    if match:
        return f"; did you mean {name!r} by its {match[0]!r}?"
    return f"; its others are {list_names(map(repr, others))}" if others else ""


def _hint_of_format(names: Sequence[str], file: TableFile | None) -> str:
    if file is None:
        return ""
    if file.header is None:
        return "; a table without a header must have all columns in their places, the target's too, which may be empty"
    return f"; its columns must be separated by {file.separator!r}" if len(names) == 1 else ""
