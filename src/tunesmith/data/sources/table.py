"""The user's own table: CSV -> Arrays."""

from __future__ import annotations

import csv
import logging
import re
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.arrays import Arrays
from tunesmith.data.sources.npz import check_file
from tunesmith.errors import UserError, closest, list_names

log = logging.getLogger(__name__)

# A target of whole numbers with more different values than this is a number to predict, not a class. Chosen, not
# measured: label codes and digits have fewer values, ages, years and counts in many rows more. data.task overrides it.
MAX_CLASSES = 20
NUM_SHOWN = 5


@dataclass(frozen=True)
class Csv:
    """A CSV table with a header; missing values become NaN, columns of text become categories.

    target: the column to predict; task: auto, classification or regression.
    drop: columns to leave out; na_values: further texts that mean "missing", besides empty cells, NA, nan and null.
    max_categories: a column with more different texts than this is left out.
    """

    path: str
    target: str
    task: str
    drop: tuple[str, ...]
    separator: str
    encoding: str
    na_values: tuple[str, ...]
    max_categories: int

    def load(self) -> Arrays:
        self._check_header()
        frame = self._read()
        is_known = frame[self._target].notna()
        if not is_known.all():
            log.warning("data: %d of %d rows have no %s; they are left out", (~is_known).sum(), len(frame), self.target)
            frame = frame[is_known]
        if frame.empty:
            raise UserError(f"data.path must have rows with a {self.target}; got {self.path}, which has none")
        targets, classes = self._targets(frame.pop(self._target))
        inputs, columns, categories = self._inputs(frame)
        return Arrays(inputs, targets, columns, classes, categories)

    @property
    def _delimiter(self) -> str:
        return self.separator.replace("\\t", "\t")

    @property
    def _target(self) -> str:
        return str(self.target)  # Hydra reads a column called 2 as a number

    @property
    def _dropped(self) -> set[str]:
        return set(map(str, self.drop))

    def _check_header(self) -> None:
        """Raise UserError unless the file has a header with the columns that the keys name, each once."""
        path = check_file(self.path)
        try:
            with path.open(newline="", encoding=_encoding(self.encoding)) as file:
                header = next(
                    (row for row in csv.reader(file, delimiter=self._delimiter, skipinitialspace=True) if row), []
                )
        except (UnicodeError, LookupError) as error:
            raise self._undecodable(error) from None
        except (csv.Error, TypeError) as error:
            raise UserError(
                f"data.separator must split the header of {self.path}; got '{self.separator}' ({error})"
            ) from None
        header = [name.strip() or f"Unnamed: {index}" for index, name in enumerate(header)]  # pandas' name for it
        twice = [name for name, number in Counter(header).items() if number > 1]
        if twice:
            raise UserError(
                f"data.path must have each column once; got {self.path} with {list_names(map(repr, twice))} repeated"
            )
        for key, names in (("data.target", [self._target]), ("data.drop", self._dropped)):
            for name in names:
                if name not in header:
                    hint = " ".join(closest(name, header).split()) + _suggest_separator(header)
                    raise UserError(f"{key} must be a column of {self.path}; got '{name}'{hint}")
        if self._target in self._dropped:
            raise UserError(f"data.drop must leave the target in; got '{self.target}'")

    def _read(self) -> Any:
        import pandas

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", pandas.errors.ParserWarning)  # rows longer than the header
                frame = pandas.read_csv(
                    self.path,
                    sep=self._delimiter,
                    encoding=_encoding(self.encoding),
                    na_values=list(self.na_values),
                    index_col=False,
                    low_memory=False,
                    skipinitialspace=True,
                )
        except UnicodeError as error:
            raise self._undecodable(error) from None
        except (ValueError, pandas.errors.ParserWarning) as error:
            raise UserError(f"data.path must be a table; got {self.path}: {' '.join(str(error).split())}") from None
        frame.columns = frame.columns.str.strip()
        return frame.drop(columns=list(self._dropped))

    def _targets(self, column: Any) -> tuple[NDArray[Any], tuple[str, ...]]:
        """Return the targets and the names of the classes, none for regression."""
        from pandas.api.types import is_bool_dtype, is_numeric_dtype

        is_number = is_numeric_dtype(column) and not is_bool_dtype(column)
        different = column.unique()
        if self.task == "regression" and not is_number:
            raise UserError(f"data.task=regression needs numbers in {self.target}; got '{column.iloc[0]}'")
        if len(different) == 1:
            kind = "value" if is_number else "class"
            raise UserError(
                f"data.target must have something to predict; got {self.target}, whose only {kind} is {different[0]}"
            )
        whole = is_number and bool((column % 1 == 0).all())
        has_classes = self.task == "classification" or not is_number or (whole and len(different) <= MAX_CLASSES)
        if self.task == "auto":
            kind, number = ("classification", "classes") if has_classes else ("regression", "different values")
            log.warning(
                "data: %s has %d %s: %s (data.task sets it otherwise)", self.target, len(different), number, kind
            )
        if not has_classes or self.task == "regression":
            with np.errstate(over="ignore"):  # values too large for float32 become infinite and are refused later
                return column.to_numpy(np.float32), ()
        codes, names = column.factorize(sort=True)
        return codes.astype(np.int64), tuple(_class_name(name) for name in names)

    def _inputs(self, frame: Any) -> tuple[NDArray[np.float32], tuple[str, ...], dict[int, tuple[str, ...]]]:
        from pandas.api.types import is_numeric_dtype

        arrays: list[NDArray[np.float32]] = []
        columns: list[str] = []
        categories: dict[int, tuple[str, ...]] = {}
        for name in frame.columns:
            column = frame[name]
            if is_numeric_dtype(column):
                self._warn_of_counter(column)
                with np.errstate(over="ignore"):  # values too large for float32 become infinite and are refused later
                    arrays.append(column.to_numpy(np.float32, na_value=np.nan))
            else:
                self._check_text(column)
                codes, texts = column.factorize(sort=True)
                if len(texts) > self.max_categories:
                    log.warning(
                        "data: column %s has %d different texts in %d rows; it is left out (data.max_categories=%d)",
                        *(name, len(texts), len(column), self.max_categories),
                    )
                    continue
                categories[len(arrays)] = tuple(map(str, texts))
                arrays.append(np.where(codes < 0, np.nan, codes).astype(np.float32))
            columns.append(name)
        if not arrays:
            raise UserError(f"data.path must have a column beside {self.target} to learn from; got {self.path}")
        return np.stack(arrays, axis=1), tuple(columns), categories

    def _check_text(self, column: Any) -> None:
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

    def _warn_of_counter(self, column: Any) -> None:
        is_whole = bool((column % 1 == 0).all())
        if is_whole and len(column) > MAX_CLASSES and column.is_unique and column.max() - column.min() < len(column):
            log.warning(
                "data: column %s numbers the rows; %s leaves it out, so that no row is recognised by its number",
                *(column.name, _override("drop", [column.name])),
            )

    def _undecodable(self, error: Exception) -> UserError:
        return UserError(
            f"data.encoding must be that of {self.path}; got '{self.encoding}' ({error}); often it is latin-1 or cp1252"
        )


def _encoding(name: str) -> str:
    """Return the encoding to read with: utf-8-sig for UTF-8, since spreadsheets put a byte order mark before it."""
    return "utf-8-sig" if name.lower().replace("_", "-") in ("utf-8", "utf8") else name


def _suggest_separator(header: list[str]) -> str:
    """Return a hint if the only column's name looks like a whole header."""
    for separator in ";\t|":
        if len(header) == 1 and separator in header[0]:
            return f"; is it \"data.separator='{separator}'\"?".replace("\t", "\\t")
    return ""


def _class_name(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _override(key: str, names: Sequence[Any]) -> str:
    """Return an override that sets a key to a list of texts, quoted for a shell and for Hydra."""
    texts = ",".join("'" + str(name).replace("'", "\\'") + "'" for name in names[:NUM_SHOWN])
    return '"data.' + re.sub(r'(["$`])', r"\\\1", f"{key}=[{texts}]") + '"'
