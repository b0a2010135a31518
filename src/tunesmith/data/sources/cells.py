"""What a cell of a table says: a number, a truth value, a text, or nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tunesmith.errors import UserError

# What pandas reads as missing (pandas.read_csv, keep_default_na), besides empty cells; NONE and none are not in it.
MISSING = frozenset(
    (
        *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA"),
        *("NULL", "NaN", "None", "n/a", "nan", "null"),
    )
)
TRUTH = {text: value for value in (True, False) for text in (str(value), str(value).upper(), str(value).lower())}
# Signs that are written alike: a minus, and blanks and apostrophes between groups of digits.
MINUS, BLANKS, APOSTROPHES = "\u2212", " \u00a0\u202f\u2009", "'\u2019"


@dataclass(frozen=True)
class CellFormat:
    """How cells are written.

    na_values: texts and numbers that mean "missing"; keep_default_na: whether those of MISSING do so too.
    decimal: the sign before the decimals; thousands: the sign between groups of three digits, or of two before the last
    three (12,34,567), None if there is none.
    """

    na_values: tuple[Any, ...] = ()
    keep_default_na: bool = True
    decimal: str = "."
    thousands: str | None = None

    def __post_init__(self) -> None:
        if self.thousands == self.decimal:
            raise UserError(f"data.thousands must be another sign than data.decimal; got '{self.decimal}' for both")

    @cached_property
    def missing(self) -> frozenset[str]:
        return frozenset(map(str, self.na_values)) | (MISSING if self.keep_default_na else frozenset())

    @cached_property
    def missing_numbers(self) -> list[float]:
        found = (self.number(str(value)) for value in self.na_values)
        return [float(number) for number in found if number is not None]

    def number(self, text: str) -> str | None:
        """Return a number as Python writes it, None if the text is no number in this format."""
        plain = text.replace(MINUS, "-")
        return self._plain(plain) if self._pattern.fullmatch(plain) else None

    def numbers(self, column: Any) -> Any | None:
        """Return a column of texts as numbers, None if one of them is no number in this format."""
        from pandas import Series, to_numeric

        lines = "\n".join(column.tolist()).replace(MINUS, "-")
        if len(self._lines.sub("", lines)) != max(len(column) - 1, 0):  # one pass over all texts: a call a text is slow
            return None
        numbers = to_numeric(Series(self._plain(lines).split("\n")[: len(column)], index=column.index))
        return numbers.astype(float) if numbers.dtype == object else numbers  # beyond 64 bits

    def _plain(self, text: str) -> str:
        for sign in alike(self.thousands or ""):
            text = text.replace(sign, "")
        return text.replace(self.decimal, ".")

    @cached_property
    def _lines(self) -> re.Pattern[str]:
        return re.compile(f"^(?:{self._pattern.pattern})$", re.ASCII | re.IGNORECASE | re.MULTILINE)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        whole = r"\d+"
        if self.thousands is not None:
            sign = f"[{re.escape(alike(self.thousands))}]"
            whole = (
                rf"\d{{1,3}}(?:{sign}\d{{3}})+|\d{{1,2}}(?:{sign}\d{{2}})+{sign}\d{{3}}|\d+"  # 1,234,567 or 12,34,567
            )
        point = re.escape(self.decimal)
        digits = rf"(?:(?:{whole})(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?"
        return re.compile(rf"[+-]?(?:{digits}|inf|infinity)", re.ASCII | re.IGNORECASE)


def alike(sign: str) -> str:
    """Return all signs that are written for a sign between groups of digits."""
    return next((signs for signs in (BLANKS, APOSTROPHES) if sign and sign in signs), sign)


def read_texts(column: Any, form: CellFormat) -> tuple[Any, Mapping[str, int]]:
    """Return a column of texts without blanks around them, missing where a word says so, and which words did."""
    column = column.str.strip(BLANKS + "\t\r\n")
    is_missing = column.isin(form.missing | {""})
    words = column[is_missing].value_counts().drop("", errors="ignore").to_dict()
    return column.where(~is_missing), words


def read_cells(column: Any, form: CellFormat) -> tuple[Any, Mapping[str, int]]:
    """Return a column of texts as numbers or truth values if all its cells are some, and which words meant "missing".

    column: as pandas read it, without any of its words for "missing"; columns of numbers stay as they are.
    """
    from pandas.api.types import is_numeric_dtype

    if is_numeric_dtype(column):
        return column, {}
    column, words = read_texts(column, form)
    known = column.dropna()
    if len(known) and known.isin(TRUTH).all():
        return column.astype(object).map(TRUTH).infer_objects(), words
    numbers = form.numbers(known)
    if numbers is None:
        return column, words
    values = numbers.reindex(column.index)
    return values.mask(values.isin(form.missing_numbers)), words
