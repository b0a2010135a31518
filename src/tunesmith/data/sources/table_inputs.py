"""A table's other columns -> inputs: numbers as they are, texts as categories, dates as features."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.sources.dates import date_features
from tunesmith.errors import UserError, list_names

log = logging.getLogger(__name__)

NUM_SHOWN = 5
# Rows from which on whole numbers that are all different, without a gap, number the rows rather than measure something.
ROWS_TO_TELL_A_COUNTER = 20


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


def read_columns(frame: Any, dates: Mapping[str, Any], kind: str, max_categories: int) -> Columns:
    """Return the inputs of all columns; dates: name -> dates, of the columns that hold some; kind: see data.dates.

    Raises:
        UserError: texts among a column's numbers.
    """
    from pandas.api.types import is_numeric_dtype

    columns = Columns()
    for name in frame.columns:
        if name in dates:
            _add_dates(columns, name, dates[name], kind)
        elif is_numeric_dtype(frame[name]):
            _warn_of_counter(frame[name])
            columns.add(name, to_numbers(frame[name]))
        else:
            _check_text(frame[name])
            _add_texts(columns, name, frame[name], max_categories)
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


def _add_texts(columns: Columns, name: str, column: Any, max_categories: int) -> None:
    codes, texts = column.factorize(sort=True)
    if len(texts) > max_categories:
        log.warning(
            "data: column %s has %d different texts in %d rows; it is left out (data.max_categories=%d)",
            *(name, len(texts), len(column), max_categories),
        )
        return
    columns.add(name, np.where(codes < 0, np.nan, codes).astype(np.float64), tuple(map(str, texts)))


def to_numbers(column: Any) -> NDArray[np.float64]:
    """Return a column's numbers, (rows,), NaN for gaps."""
    values: NDArray[np.float64] = column.to_numpy(np.float64, na_value=np.nan)
    return values


def _check_text(column: Any) -> None:
    """Raise UserError if most cells are numbers: the few texts among them probably mean "missing"."""
    from pandas import to_numeric

    known = column.dropna()
    is_text = to_numeric(known, errors="coerce").isna()
    if 0 < is_text.sum() < len(known) / 2:
        texts = list(dict.fromkeys(map(str, known[is_text])))
        found = list_names(map(repr, texts))
        raise UserError(
            f"data.path: column {column.name} has numbers, but {found} in {is_text.sum()} of {len(known)} "
            f"rows; {_override('na_values', texts)} reads them as missing, {_override('drop', [column.name])} "
            "leaves the column out"
        )


def _warn_of_counter(column: Any) -> None:
    is_whole = bool((column % 1 == 0).all())
    if (
        is_whole
        and len(column) > ROWS_TO_TELL_A_COUNTER
        and column.is_unique
        and column.max() - column.min() < len(column)
    ):
        log.warning(
            "data: column %s numbers the rows; %s leaves it out, so that no row is recognised by its number",
            *(column.name, _override("drop", [column.name])),
        )


def _override(key: str, names: Sequence[Any]) -> str:
    """Return an override that sets a key to a list of texts, quoted for a shell and for Hydra."""
    texts = ",".join("'" + str(name).replace("'", "\\'") + "'" for name in names[:NUM_SHOWN])
    return '"data.' + re.sub(r'(["$`])', r"\\\1", f"{key}=[{texts}]") + '"'
