"""Where known points come from: a YAML or CSV file, or another study. What is read is data: the caller checks it."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from tunesmith.config.changes import ABSENT, show_value
from tunesmith.config.unreadable_yaml import explain_unreadable
from tunesmith.errors import UserError
from tunesmith.search.results import RESULTS_FILE
from tunesmith.search.trials_table import TRIALS_FILE, param_columns, read_table

KEY = "hydra.sweeper.enqueue"
# What a configuration of Hydra has, such as best.yaml, and no point.
_OF_CONFIG = {"defaults", "hydra"}


@dataclass(frozen=True)
class NamedPoint:
    """A point as a source has it, ABSENT for an empty cell; name: says in a message which point it is."""

    name: str
    values: Mapping[str, Any]


def read_source(source: Any, studies: Path) -> list[NamedPoint]:
    """Read points.

    source: a path of a CSV file with a row per point, of which trials.csv is one (its complete trials);
    of a YAML file with a point or a list of points, of optimization_results.yaml or best.yaml (the study's best trial);
    of a study's folder, or its name (its best trial); STUDY:5 takes its best five complete trials.

    Raises:
        UserError: there is no such file or study, or it holds no points.
    """
    if not isinstance(source, str):
        raise UserError(f"{KEY} must be points (key: value), files or studies; got {show_value(source)}")
    text, _, count = source.rpartition(":")
    name, n = (text, int(count)) if text and count.isdecimal() else (source, None)
    folder = next((each for each in (Path(name), studies / name) if each.is_dir()), None)
    if folder is not None:
        return [_best(folder)] if n is None else _best_few(folder, n)
    path = Path(source)
    if not path.is_file():
        raise UserError(f"{KEY} must be points (key: value), files or studies; there is no {source}, also in {studies}")
    if path.suffix == ".csv":
        return [NamedPoint(f"{path} row {row}", values) for row, values in _rows(path)]
    return _of_yaml(path)


def _best(folder: Path) -> NamedPoint:
    """Return the best trial of a study; its keys are those that varied in it."""
    best = _results(folder).get("best_params")
    if not isinstance(best, Mapping):
        raise UserError(f"{KEY}: {folder} must be the folder of a study with a best trial: see its {RESULTS_FILE}")
    return NamedPoint(f"the best trial of {folder}", {str(key): value for key, value in best.items()})


def _best_few(folder: Path, n: int) -> list[NamedPoint]:
    """Return the best n complete, feasible trials of a study, the best one first.

    With stages they are those of the best trial's stage: others may have run on other data.
    """
    path = folder / TRIALS_FILE
    if not path.is_file():
        raise UserError(f"{KEY}: {folder} must be the folder of a study with its {TRIALS_FILE}")
    results, rows = _results(folder), [row for row in _complete(path) if math.isfinite(row.value)]
    if "solutions" in results:
        raise UserError(f"{KEY}: {folder}:{n} must be a study of one objective, as no trial is the best of several")
    stages = [row.stage for row in rows if row.number == str(results.get("best_trial"))]
    rows = [row for row in rows if row.is_feasible and row.stage in (stages or [row.stage])]
    if n < 1 or not rows:
        raise UserError(f"{KEY}: {folder}:{n} must be a number >= 1 of trials of a study that has complete ones")
    sign = -1 if _is_maximized(results, rows) else 1
    rows.sort(key=lambda row: sign * row.value)
    return [NamedPoint(f"trial {row.number} of {folder}", row.params) for row in rows[:n]]


def _is_maximized(results: Mapping[str, Any], rows: Sequence[_Row]) -> bool:
    """Whether more is better; results of version 0.1 say it by their best value alone."""
    if "directions" in results:
        return bool(results["directions"] == ["maximize"])
    values = [row.value for row in rows]
    return bool(results.get("best_value") == max(values) != min(values))


@dataclass(frozen=True)
class _Row:
    """A complete trial in trials.csv; line: where it stands; value: NaN if there is no number."""

    line: int
    number: str
    stage: str
    value: float
    is_feasible: bool
    params: Mapping[str, Any]


def _complete(path: Path) -> list[_Row]:
    """Return the complete trials of a study's trials.csv."""
    columns, rows = _table(path)
    params = param_columns(columns)
    found = []
    for line, row in rows:
        of_trial = {name: text for name, text in row.items() if name not in params}
        if of_trial.get("state") == "COMPLETE":
            number, stage = of_trial.get("number", ""), of_trial.get("stage", "")
            own = _cells({name: row[name] for name in params})
            found.append(
                _Row(line, number, stage, _number(of_trial.get("value", "")), not of_trial.get("infeasible"), own)
            )
    return found


def _rows(path: Path) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the points of a CSV file with the numbers of their rows; of trials.csv, the complete trials."""
    columns, rows = _table(path)
    if {"number", "state", "value"} <= set(columns):
        return [(row.line, row.params) for row in _complete(path)]
    return [(line, _cells(values)) for line, values in rows]


def _table(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Return the columns of a CSV file, and its rows with their numbers; the header is row 1."""
    try:
        columns, rows = read_table(path)
    except (csv.Error, ValueError) as error:
        raise UserError(f"{KEY}: {path} must be a CSV file with a header and as many cells a row: {error}") from None
    return columns, list(enumerate(rows, start=2))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _cells(values: Mapping[str, str]) -> dict[str, Any]:
    return {key: text or ABSENT for key, text in values.items()}


def _results(folder: Path) -> Mapping[str, Any]:
    """Return what a study's optimization_results.yaml holds, nothing if there is none."""
    path = folder / RESULTS_FILE
    content = _read(path) if path.is_file() else None
    return content if isinstance(content, Mapping) else {}


def _of_yaml(path: Path) -> list[NamedPoint]:
    content = _read(path)
    if isinstance(content, Mapping):
        if "best_params" in content or content.keys() >= _OF_CONFIG:
            return [_best(path.parent)]
        return [NamedPoint(str(path), content)]
    points: Sequence[Any] = content if isinstance(content, list) else [content]
    if not all(isinstance(point, Mapping) for point in points):
        raise UserError(f"{KEY}: {path} must be a list of points (key: value); got {show_value(content)}")
    return [NamedPoint(f"point {index} of {path}", point) for index, point in enumerate(points)]


def _read(path: Path) -> Any:
    """Return the plain content of a YAML file, interpolations as they are written; 1e-3 is a number."""
    try:
        return OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    except (YAMLError, OSError, UnicodeDecodeError, OmegaConfBaseException) as error:
        raise UserError(f"{KEY}: {explain_unreadable(error, path)}") from None
