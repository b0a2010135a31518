"""Dates in a table's columns: recognised, read, and made into features."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from typing import Any

log = logging.getLogger(__name__)

# Year, month and day, with a time or without, or year and month. A year has four digits: 1.10.30 may be a version, and
# 1234-05 a part's number.
DATE = re.compile(
    r"(\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{1,2}([-/.])\d{1,2}\3\d{4}|\d{1,2}([-/. ])[A-Za-z]{3,9}\4\d{4})"
    r"([T ]\d{1,2}:\d{2}.*)?|(19|20)\d{2}-\d{2}"
)
SECONDS_A_DAY = 86_400
# Parts of a date -> pandas' names.
_PARTS = {"year": "year", "month": "month", "weekday": "day_of_week", "hour": "hour"}


# How dates are written -> the options of pandas.to_datetime.
_ORDERS: dict[str, dict[str, Any]] = {
    "iso": {"format": "ISO8601"},
    "any": {},
    "day": {"dayfirst": True},
    "month": {"dayfirst": False},
}


def read_dates(column: Any) -> Any | None:
    """Return a column of texts as dates in UTC, NaT for gaps; None if a text is no date, or not in the others' format.

    ISO 8601, or one format of numbers for all rows. With dots the day comes before the month, with strokes the month
    does, unless that fits no calendar.
    """
    found = find_dates(column)
    return None if found is None else found[0]


def find_dates(column: Any) -> tuple[Any, str] | None:
    """Return the dates of read_dates, and how they are written, for parse_dates."""
    known = column.dropna()
    if known.empty or not all(isinstance(cell, str) and DATE.fullmatch(cell.strip()) for cell in known.unique()):
        return None
    first = known.iloc[0].strip()
    texts = column.str.strip()
    if re.match(r"\d{4}", first):
        return _first_that_parses(texts, "iso", "any")
    if "." in first:
        return _first_that_parses(texts, "day")
    month_first, day_first = parse_dates(texts, "month"), parse_dates(texts, "day")
    if month_first is not None and day_first is not None and not month_first.equals(day_first):
        log.warning(
            "data: column %s may have the day or the month first; %s is read as %s (2024-02-01 would be clear)",
            *(column.name, first, month_first[known.index[0]].date()),
        )
    return _first_that_parses(texts, "month", "day")


def _first_that_parses(texts: Any, *orders: str) -> tuple[Any, str] | None:
    return next(((dates, order) for order in orders if (dates := parse_dates(texts, order)) is not None), None)


def parse_dates(texts: Any, order: str) -> Any | None:
    """Return texts as dates in UTC, NaT for gaps; None if one of them is not written so."""
    import pandas

    try:
        # pandas warns before it guesses each row's format by itself, or takes 31/12 although the month comes first; an
        # error in place of the warning would be lost in its C code.
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", UserWarning)
            dates = pandas.to_datetime(texts, utc=True, **_ORDERS[order])
    except (ValueError, OverflowError):
        return None
    return None if any(issubclass(each.category, UserWarning) for each in said) else dates


def date_features(dates: Any, kind: str) -> Iterator[tuple[str, Any]]:
    """Yield name and values, float64, NaN for gaps, of each feature of a column of dates.

    kind: parts (year, month from 1, weekday from 0 for Monday, hour; each only if it varies), or elapsed (days since
    the table's first date: where counting begins makes no difference to a net, so no part of the data is favoured).
    """
    if kind == "elapsed":
        yield "elapsed", _days_since(dates, dates.min())
        return
    for part in _PARTS:
        values = date_feature(dates, part)
        if values.nunique() > 1:
            yield part, values


def date_feature(dates: Any, feature: str, first: Any = None) -> Any:
    """Return one feature of dates, (rows,), NaN for gaps; first: the date from which elapsed days count."""
    return _days_since(dates, first) if feature == "elapsed" else getattr(dates.dt, _PARTS[feature])


def _days_since(dates: Any, first: Any) -> Any:
    return (dates - first).dt.total_seconds() / SECONDS_A_DAY


def seconds(dates: Any) -> Any:
    """Return dates as numbers to sort by, float64, NaN for gaps."""
    return (dates - dates.min()).dt.total_seconds()
