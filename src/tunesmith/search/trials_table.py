"""trials.csv: a row per trial of a study, fixed columns first, then the parameters by their override keys."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from tunesmith.errors import printable, shorten
from tunesmith.search.study.front import has_constraints, violations
from tunesmith.search.study.trial import Attempt

TRIALS_FILE = "trials.csv"
FIXED_COLUMNS = (
    *("number", "stage", "state", "value", "epochs", "seconds", "host", "folder", "reason", "findings", "note", "tags"),
)
# Those that came later: in an older table a column of this name is a parameter.
_LATER = ("stage", "findings")

# A key that Hydra adds, such as +model.width.
_KEY = re.compile(r"\+{1,2}[A-Za-z_][\w./@]*")
# A text that a spreadsheet takes for a formula; and one that would look like a text that was written as none.
_FORMULA = re.compile(r"[\s']*[=+\-@\uff0b\uff0d\uff1d\uff20]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(inf|nan)", re.IGNORECASE)


def to_csv(trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection], folder: Path) -> str:
    """Return the content of trials.csv; trials: all of a study, of which those that count get a row.

    With several objectives the column value is the first one's; value_1, value_2 of the others stand behind it. A
    column infeasible names the constraints that a trial breaks, if any trial of the study was told any.

    A parameter that is named like a column before it has the column params.KEY. A text that a spreadsheet would take
    for a formula has a ' in front.
    """
    counted = [attempt for attempt in map(Attempt, trials) if attempt.state.is_counted]
    keys = list(dict.fromkeys(key for attempt in counted for key in attempt.params))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    further = [f"value_{index}" for index in range(1, len(directions))]
    is_constrained = any(map(has_constraints, trials))
    fixed = _with_columns(FIXED_COLUMNS, "value", [*further, *["infeasible"] * is_constrained])
    header = _distinct([*fixed, *keys])
    writer.writerow(name if _KEY.fullmatch(name) else _cell(name) for name in header)
    for attempt in counted:
        values = [repr(value) for value in attempt.values(directions)] or [""] * len(directions)
        row = [
            attempt.number,
            attempt.stage or "",
            trials[attempt.number].state.name,
            *values,
            *[", ".join(violations(trials[attempt.number]))] * is_constrained,
            attempt.epochs,
            round(attempt.seconds, 3),
            attempt.host,
            attempt.trial_folder(folder),
            shorten(attempt.reason or ""),
            " ".join(attempt.findings),
            attempt.note or "",
            " ".join(attempt.tags),
        ]
        writer.writerow(map(_cell, row + [attempt.params.get(key, "") for key in keys]))
    return text.getvalue()


def read_trials(folder: Path) -> tuple[list[dict[str, str]], list[str]]:
    """Return the rows of a study's trials.csv, column -> text, and which columns are parameters.

    Two columns of one name, which earlier versions wrote, are told apart: the first is the fixed one.
    """
    columns, rows = read_table(folder / TRIALS_FILE)
    return rows, param_columns(columns)


def read_table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Return the columns of a CSV file, and its rows, column -> text.

    Raises:
        ValueError: there is no header, or a row has another length.
    """
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = ([_text(cell) for cell in line] for line in csv.reader(file))
    columns = _distinct(header)
    return columns, [dict(zip(columns, row, strict=True)) for row in rows]


def param_columns(columns: Sequence[str]) -> list[str]:
    """Return which columns of trials.csv are parameters, also of a table that an older version has written."""
    places = [columns.index(name) for name in FIXED_COLUMNS if name in columns and name not in _LATER]
    return list(columns[max(places, default=-1) + 1 :])


def _with_columns(columns: Sequence[str], behind: str, names: Sequence[str]) -> list[str]:
    place = columns.index(behind) + 1
    return [*columns[:place], *names, *columns[place:]]


def _cell(value: object) -> object:
    """Return a cell as it is written; a text that is a number, such as -1.5, is no formula."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _text(cell: str) -> str:
    """Return the text of a cell that was written with a ' in front."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _distinct(names: Sequence[str]) -> list[str]:
    """Return the names, with params. before each one that has been there before."""
    distinct: list[str] = []
    for name in names:
        while name in distinct:
            name = f"params.{name}"
        distinct.append(name)
    return distinct
