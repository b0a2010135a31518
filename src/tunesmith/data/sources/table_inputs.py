"""A table's other columns -> inputs: numbers as they are, texts as categories, dates as features."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.sources.cells import CellFormat
from tunesmith.data.sources.dates import date_features
from tunesmith.data.sources.number_signs import EDIT, check_texts, override, stray_signs, unit
from tunesmith.errors import list_names

log = logging.getLogger(__name__)

# Rows from which on whole numbers that are all different, without a gap, number the rows rather than measure something.
ROWS_TO_TELL_A_COUNTER = 20
# A column with a text of its own in so many of its rows names the rows, unless there are too few rows to tell.
NEARLY_ALL, ROWS_TO_TELL_A_NAME = 0.9, 5
KEEP_WORDS = "read as missing; data.keep_default_na=false reads them as they are"


@dataclass
class Columns:
    """The inputs that columns have become so far: (rows,) float64 each, NaN for gaps."""

    values: list[NDArray[np.float64]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    categories: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def add(self, name: str, values: NDArray[np.float64], texts: tuple[str, ...] = ()) -> None:
        """texts: names of the categories whose codes the values are."""
        if texts:
            self.categories[len(self.values)] = texts
        self.values.append(values)
        self.names.append(name)


@dataclass(frozen=True)
class Reading:
    """What is known of a table's columns before they become inputs.

    dates: name -> dates, of the columns that hold some; kind: what they become, see data.dates.
    counters: names of the columns that number the rows of the file.
    words: name -> how often which words meant "missing".
    """

    form: CellFormat
    max_categories: int
    dates: Mapping[str, Any]
    kind: str
    counters: Collection[str]
    words: Mapping[str, Mapping[str, int]]


def read_columns(frame: Any, reading: Reading) -> Columns:
    """Return the inputs of all columns.

    Raises:
        UserError: texts among a column's numbers.
    """
    from pandas.api.types import is_numeric_dtype

    columns = Columns()
    for name in frame.columns:
        if name in reading.dates:
            _add_dates(columns, name, reading.dates[name], reading.kind)
        elif is_numeric_dtype(frame[name]):
            _warn_of_counter(name, reading.counters)
            columns.add(name, to_numbers(frame[name]))
        else:
            check_texts(frame[name], reading.form, f"{override('drop', [name])} leaves the column out")
            if _add_texts(columns, name, frame[name], reading.max_categories):
                _warn_of_words(name, len(frame), reading.words.get(name, {}))
                _warn_of_signs(frame[name])
    return columns


def _add_dates(columns: Columns, name: str, dates: Any, kind: str) -> None:
    features = [] if kind == "drop" else list(date_features(dates, kind))
    if not features:
        log.warning(
            "data: column %s has dates; it is left out (data.dates=parts or elapsed makes features of it)", name
        )
        return
    log.warning(
        "data: column %s has dates; they become %s (data.dates=parts, elapsed, drop or text)",
        *(name, ", ".join(feature for feature, _ in features)),
    )
    for feature, values in features:
        columns.add(f"{name}.{feature}", to_numbers(values))


def _add_texts(columns: Columns, name: str, column: Any, max_categories: int) -> bool:
    """Add a column of categories, and tell whether it is none that is left out."""
    codes, texts = column.factorize(sort=True)
    num_known = int((codes >= 0).sum())
    found = unit(texts)
    kind = f"texts, numbers of {found} perhaps ({EDIT})," if found else "texts"
    what = f"column {name} has {len(texts)} different {kind} in {num_known} rows; it is left out"
    if num_known >= ROWS_TO_TELL_A_NAME and len(texts) >= NEARLY_ALL * num_known:
        log.warning("data: %s, as a text of its own in nearly every row says nothing of other rows", what)
        return False
    if len(texts) > max_categories:
        log.warning("data: %s (data.max_categories=%d)", what, max_categories)
        return False
    columns.add(name, np.where(codes < 0, np.nan, codes).astype(np.float64), tuple(map(str, texts)))
    return True


def _warn_of_counter(name: str, counters: Collection[str]) -> None:
    if name in counters:
        log.warning(
            "data: column %s numbers the rows; %s leaves it out, so that no row is recognised by its number",
            *(name, override("drop", [name])),
        )


def _warn_of_words(name: str, num_rows: int, words: Mapping[str, int]) -> None:
    if words:
        log.warning("data: column %s has %s of %d rows, %s", name, describe_words(words), num_rows, KEEP_WORDS)


def _warn_of_signs(column: Any) -> None:
    signs = stray_signs(column)
    if signs:
        log.warning(
            "data: column %s has %s in %d of %d rows, as a category of its own; %s reads it as missing",
            *(column.name, list_names(map(repr, signs)), column.isin(signs).sum(), len(column)),
            override("na_values", signs),
        )


def describe_words(words: Mapping[str, int]) -> str:
    return list_names(f"{word!r} in {count}" for word, count in words.items())


def to_numbers(column: Any) -> NDArray[np.float64]:
    """Return a column's numbers, (rows,), NaN for gaps."""
    values: NDArray[np.float64] = column.to_numpy(np.float64, na_value=np.nan)
    return values


def counts_rows(column: Any) -> bool:
    """Tell a column of numbers that numbers a table's rows: whole numbers, each once, without a gap.

    To be asked of the whole table, before rows are left out.
    """
    from pandas.api.types import is_numeric_dtype

    return (
        is_numeric_dtype(column)
        and len(column) > ROWS_TO_TELL_A_COUNTER
        and column.is_unique
        and bool((column % 1 == 0).all())
        and bool(column.max() - column.min() < len(column))
    )
