"""A CSV file -> a frame, with a line for each way in which the file or a key about it is wrong."""

from __future__ import annotations

import csv
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.sources.npz import check_file
from tunesmith.errors import UserError, closest, list_names


def read_table(
    path: str, separator: str, encoding: str, na_values: Sequence[str], named: Mapping[str, Sequence[str]]
) -> Any:
    r"""Return a pandas frame; separator: a character, or \t as it is typed; named: key -> columns that must be there.

    Raises:
        UserError: the file is no table, or lacks a column that a key names.
    """
    import pandas

    _check_header(path, separator, encoding, named)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pandas.errors.ParserWarning)  # rows longer than the header
            frame = pandas.read_csv(
                path,
                sep=_delimiter(separator),
                encoding=_encoding(encoding),
                na_values=list(na_values),
                index_col=False,
                low_memory=False,
                skipinitialspace=True,
            )
    except UnicodeError as error:
        raise _undecodable(path, encoding, error) from None
    except (ValueError, pandas.errors.ParserWarning) as error:
        raise UserError(f"data.path must be a table; got {path}: {' '.join(str(error).split())}") from None
    frame.columns = frame.columns.str.strip()
    return frame


def _check_header(path: str, separator: str, encoding: str, named: Mapping[str, Sequence[str]]) -> None:
    """Raise UserError unless the file has a header with the columns that the keys name, each once."""
    try:
        with check_file(path).open(newline="", encoding=_encoding(encoding)) as file:
            rows = csv.reader(file, delimiter=_delimiter(separator), skipinitialspace=True)
            header = next((row for row in rows if row), [])
    except (UnicodeError, LookupError) as error:
        raise _undecodable(path, encoding, error) from None
    except (csv.Error, TypeError) as error:
        raise UserError(f"data.separator must split the header of {path}; got '{separator}' ({error})") from None
    header = [name.strip() or f"Unnamed: {index}" for index, name in enumerate(header)]  # pandas' name for it
    twice = [name for name, number in Counter(header).items() if number > 1]
    if twice:
        raise UserError(
            f"data.path must have each column once; got {path} with {list_names(map(repr, twice))} repeated"
        )
    for key, names in named.items():
        for name in names:
            if name not in header:
                hint = " ".join(closest(name, header).split()) + _suggest_separator(header)
                raise UserError(f"{key} must be a column of {path}; got '{name}'{hint}")


def _delimiter(separator: str) -> str:
    return separator.replace("\\t", "\t")


def _encoding(name: str) -> str:
    """Return the encoding to read with: utf-8-sig for UTF-8, since spreadsheets put a byte order mark before it."""
    return "utf-8-sig" if name.lower().replace("_", "-") in ("utf-8", "utf8") else name


def _undecodable(path: str, encoding: str, error: Exception) -> UserError:
    return UserError(f"data.encoding must be that of {path}; got '{encoding}' ({error}); often it is latin-1 or cp1252")


def _suggest_separator(header: list[str]) -> str:
    """Return a hint if the only column's name looks like a whole header."""
    for separator in ";\t|":
        if len(header) == 1 and separator in header[0]:
            return f"; is it \"data.separator='{separator}'\"?".replace("\t", "\\t")
    return ""
