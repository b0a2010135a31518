"""trials.csv: a row per trial of a study, fixed columns first, then the parameters by their override keys."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from tunesmith.errors import shorten
from tunesmith.search.study.trial import Attempt

TRIALS_FILE = "trials.csv"
FIXED_COLUMNS = ("number", "state", "value", "epochs", "seconds", "host", "folder", "reason", "note", "tags")


def to_csv(trials: Sequence[FrozenTrial], direction: StudyDirection, folder: Path) -> str:
    """Return the content of trials.csv; trials: all of a study, of which those that count get a row.

    A parameter that is named like a column before it has the column params.KEY.
    """
    counted = [attempt for attempt in map(Attempt, trials) if attempt.state.is_counted]
    keys = list(dict.fromkeys(key for attempt in counted for key in attempt.params))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_distinct([*FIXED_COLUMNS, *keys]))
    for attempt in counted:
        value = attempt.value(direction)
        row = [
            attempt.number,
            trials[attempt.number].state.name,
            "" if value is None else repr(value),
            attempt.epochs,
            round(attempt.seconds, 3),
            attempt.host,
            attempt.trial_folder(folder),
            shorten(attempt.reason or ""),
            attempt.note or "",
            " ".join(attempt.tags),
        ]
        writer.writerow(row + [attempt.params.get(key, "") for key in keys])
    return text.getvalue()


def read_trials(folder: Path) -> tuple[list[dict[str, str]], list[str]]:
    """Return the rows of a study's trials.csv, column -> text, and which columns are parameters.

    Two columns of one name, which earlier versions wrote, are told apart: the first is the fixed one.
    """
    with (folder / TRIALS_FILE).open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    columns = _distinct(header)
    params = [name for name in columns if name not in FIXED_COLUMNS]
    return [dict(zip(columns, row, strict=True)) for row in rows], params


def _distinct(names: Sequence[str]) -> list[str]:
    """Return the names, with params. before each one that has been there before."""
    distinct: list[str] = []
    for name in names:
        while name in distinct:
            name = f"params.{name}"
        distinct.append(name)
    return distinct
