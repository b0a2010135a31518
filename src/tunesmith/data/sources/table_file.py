"""A CSV file -> a frame, with a line for each way in which the file or a key about it is wrong."""

from __future__ import annotations

import csv
import logging
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tunesmith.data.sources.cells import MISSING, CellFormat, read_cells
from tunesmith.data.sources.npz import check_file
from tunesmith.errors import UserError, closest, list_names

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TableFile:
    r"""separator: a character, or \t as it is typed; header: row of the columns' names, None if there is none.

    key: which names the file, for messages.
    """

    path: str
    separator: str
    encoding: str
    header: int | None = 0
    key: str = "data.path"

    @property
    def is_of_config(self) -> bool:
        """Whether keys of the config, which can be changed, say how the file is written."""
        return self.key == "data.path"


def read_table(
    file: TableFile, form: CellFormat, named: Mapping[str, Sequence[str]]
) -> tuple[Any, dict[str, Mapping[str, int]]]:
    """Return a pandas frame, and for each column how often which words in it mean "missing".

    named: key -> columns that must be there.

    Raises:
        UserError: the file is no table, or lacks a column that a key names.
    """
    import pandas
    from pandas.api.types import is_numeric_dtype

    _check_header(file, named)
    options = reading_options(file)
    words: dict[str, Mapping[str, int]] = {}
    with explained(file):
        frame = pandas.read_csv(file.path, **missing_options(form), **options)
        others = [place for place, name in enumerate(frame) if not is_numeric_dtype(frame[name])]
        # Columns of numbers are read by pandas alone, ten times as fast; the others again, with their words.
        texts = pandas.read_csv(file.path, na_values=[""], dtype=str, usecols=others, **options) if others else {}
    columns = {str(name).strip(): frame[name] for name in frame}
    for name in texts:
        column, found = read_cells(texts[name], form)
        columns[str(name).strip()] = column
        words |= {str(name).strip(): found} if found else {}
    return pandas.DataFrame(columns, index=frame.index), words


def reading_options(file: TableFile) -> dict[str, Any]:
    """Return what pandas.read_csv has to know of a file."""
    return {
        "sep": _delimiter(file.separator),
        "encoding": _encoding(file.encoding),
        "header": file.header,
        "keep_default_na": False,
        "index_col": False,
        "low_memory": False,
        "skipinitialspace": True,
    }


def missing_options(form: CellFormat) -> dict[str, Any]:
    """Return what pandas.read_csv has to know of numbers."""
    return {"na_values": ["", *form.na_values, *(MISSING if form.keep_default_na else ())], "decimal": form.decimal}


@contextmanager
def explained(file: TableFile) -> Iterator[None]:
    """Turn what pandas says of a file that is no table into a UserError."""
    import pandas

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pandas.errors.ParserWarning)  # rows longer than the header
            yield
    except UnicodeError as error:
        raise _undecodable(file, error) from None
    except (ValueError, pandas.errors.ParserWarning) as error:
        raise UserError(f"{file.key} must be a table; got {file.path}: {' '.join(str(error).split())}") from None


def read_header(file: TableFile) -> list[str]:
    """Return the names of a file's columns, 0, 1, 2, ... if it has none; raises UserError if it is no table."""
    try:
        with check_file(file.path, file.key).open(newline="", encoding=_encoding(file.encoding)) as opened:
            rows = csv.reader(opened, delimiter=_delimiter(file.separator), skipinitialspace=True)
            header = next(islice((row for row in rows if row), file.header or 0, None), [])
    except (UnicodeError, LookupError) as error:
        raise _undecodable(file, error) from None
    except (csv.Error, TypeError) as error:
        raise _unsplit(file, error) from None
    if file.header is None:
        return list(map(str, range(len(header))))
    return [name.strip() or f"Unnamed: {index}" for index, name in enumerate(header)]  # pandas' name for it


def _check_header(file: TableFile, named: Mapping[str, Sequence[str]]) -> None:
    """Raise UserError unless the file has a header with the columns that the keys name, each once."""
    header = read_header(file)
    if file.header is not None and _are_values(header):
        log.warning("data: names of columns are numbers (%s)%s", list_names(header), _suggest_no_header(header))
    twice = [name for name, number in Counter(header).items() if number > 1]
    if twice:
        repeated = (
            f"{file.path} with {list_names(map(repr, twice))} repeated: rename one of them{_suggest_no_header(header)}"
        )
        raise UserError(f"data.path must have each column once; got {repeated}")
    for key, names in named.items():
        for name in names:
            if name not in header:
                hint = " ".join(closest(name, header).split()) + _suggest_separator(header)
                hint += "" if file.header is None else _suggest_no_header(header)
                raise UserError(f"{key} must be a column of {file.path}; got '{name}'{hint}")


def _delimiter(separator: str) -> str:
    return separator.replace("\\t", "\t")


def _encoding(name: str) -> str:
    """Return the encoding to read with: utf-8-sig for UTF-8, since spreadsheets put a byte order mark before it."""
    return "utf-8-sig" if name.lower().replace("_", "-") in ("utf-8", "utf8") else name


def _unsplit(file: TableFile, error: Exception) -> UserError:
    if not file.is_of_config:
        return UserError(
            f"{file.key} must be a table with {file.separator!r} between columns; got {file.path} ({error})"
        )
    return UserError(f"data.separator must split the header of {file.path}; got '{file.separator}' ({error})")


def _undecodable(file: TableFile, error: Exception) -> UserError:
    if not file.is_of_config:
        return UserError(f"{file.key} must be written in {file.encoding}, as for training; got {file.path} ({error})")
    return UserError(
        f"data.encoding must be that of {file.path}; got '{file.encoding}' ({error}); often it is latin-1 or cp1252"
    )


def _suggest_separator(header: list[str]) -> str:
    """Return a hint if the only column's name looks like a whole header."""
    for separator in ";\t|,":
        if len(header) == 1 and separator in header[0]:
            return f"; is it \"data.separator='{separator}'\"?".replace("\t", "\\t")
    return ""


def _suggest_no_header(header: list[str]) -> str:
    """Return a hint if most names are numbers: then they may be the first row's values."""
    if sum(map(_is_number, header)) <= len(header) / 2:
        return ""
    return "; if the file has no header: data.header=null calls its columns 0, 1, 2, ..."


def _are_values(header: list[str]) -> bool:
    """Tell names that can hardly be names: most are numbers, and one has decimals; years and 0, 1, 2 may be names."""
    numbers = [name for name in header if _is_number(name)]
    return len(numbers) > len(header) / 2 and any(not float(name).is_integer() for name in numbers)


def _is_number(text: str) -> bool:
    return CellFormat().number(text) is not None and "inf" not in text.lower()
