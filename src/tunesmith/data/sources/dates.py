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


def read_dates(column: Any) -> Any | None:
    """Return a column of texts as dates in UTC, NaT for gaps; None if a text is no date, or not in the others' format.

    ISO 8601, or one format of numbers for all rows. With dots the day comes before the month, with strokes the month
    does, unless that fits no calendar.
    """
    known = column.dropna()
    if known.empty or not all(isinstance(cell, str) and DATE.fullmatch(cell.strip()) for cell in known.unique()):
        return None
    first = known.iloc[0].strip()
    texts = column.str.strip()
    if re.match(r"\d{4}", first):
        iso = _parse(texts, format="ISO8601")
        return _parse(texts) if iso is None else iso
    if "." in first:
        return _parse(texts, dayfirst=True)
    month_first, day_first = _parse(texts, dayfirst=False), _parse(texts, dayfirst=True)
    if month_first is None or day_first is None:
        return day_first if month_first is None else month_first
    if not month_first.equals(day_first):
        log.warning(
            "data: column %s may have the day or the month first; %s is read as %s (2024-02-01 would be clear)",
            *(column.name, first, month_first[known.index[0]].date()),
        )
    return month_first


def _parse(column: Any, **options: Any) -> Any | None:
    import pandas

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # pandas would guess each row's format by itself
            return pandas.to_datetime(column, utc=True, **options)
    except (ValueError, UserWarning, OverflowError):
        return None


def date_features(dates: Any, kind: str) -> Iterator[tuple[str, Any]]:
    """Yield name and values, float64, NaN for gaps, of each feature of a column of dates.

    kind: parts (year, month from 1, weekday from 0 for Monday, hour; each only if it varies), or elapsed (days since
    the table's first date: where counting begins makes no difference to a net, so no part of the data is favoured).
    """
    if kind == "elapsed":
        yield "elapsed", (dates - dates.min()).dt.total_seconds() / SECONDS_A_DAY
        return
    parts = {"year": "year", "month": "month", "weekday": "day_of_week", "hour": "hour"}
    for part, attribute in parts.items():
        values = getattr(dates.dt, attribute)
        if values.nunique() > 1:
            yield part, values


def seconds(dates: Any) -> Any:
    """Return dates as numbers to sort by, float64, NaN for gaps."""
    return (dates - dates.min()).dt.total_seconds()
