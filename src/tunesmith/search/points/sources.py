"""Where known points come from: a YAML or CSV file, or another study. What is read is data: the caller checks it."""

from __future__ import annotations

import csv
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
from tunesmith.search.trials_table import FIXED_COLUMNS, TRIALS_FILE, read_rows

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
    name, n = (text, int(count)) if text and count.isdigit() else (source, None)
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
    path = folder / RESULTS_FILE
    content = _read(path) if path.is_file() else None
    best = content.get("best_params") if isinstance(content, Mapping) else None
    if not isinstance(best, Mapping):
        raise UserError(f"{KEY}: {folder} must be the folder of a study with a complete trial: see its {RESULTS_FILE}")
    return NamedPoint(f"the best trial of {folder}", {str(key): value for key, value in best.items()})


def _best_few(folder: Path, n: int) -> list[NamedPoint]:
    """Return the best n complete trials of a study, the best one first."""
    path = folder / TRIALS_FILE
    if not path.is_file():
        raise UserError(f"{KEY}: {folder} must be the folder of a study with its {TRIALS_FILE}")
    rows = [(float(values["value"]), row, values) for row, values in _table(path) if values["state"] == "COMPLETE"]
    if n < 1 or not rows:
        raise UserError(f"{KEY}: {folder}:{n} must be a number >= 1 of trials of a study that has complete ones")
    best = _read(folder / RESULTS_FILE).get("best_value")  # trials.csv does not say which end is the best one
    is_maximized = best == max(value for value, *_ in rows) != min(value for value, *_ in rows)
    rows.sort(key=lambda entry: -entry[0] if is_maximized else entry[0])
    return [NamedPoint(f"trial {values['number']} of {folder}", _params(values)) for _, _, values in rows[:n]]


def _rows(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Return the points of a CSV file with the numbers of their rows; of trials.csv, the complete trials."""
    rows = _table(path)
    if not rows or not _is_trials(rows[0][1]):
        return [(row, _cells(values)) for row, values in rows]
    return [(row, _params(values)) for row, values in rows if values["state"] == "COMPLETE"]


def _table(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        return list(enumerate(read_rows(path), start=2))  # the header is row 1
    except (csv.Error, ValueError) as error:
        raise UserError(f"{KEY}: {path} must be a CSV file with a header and as many cells a row: {error}") from None


def _is_trials(values: Mapping[str, str]) -> bool:
    return {"number", "state", "value"} <= values.keys()


def _params(values: Mapping[str, str]) -> dict[str, Any]:
    return _cells({key: text for key, text in values.items() if key not in FIXED_COLUMNS})


def _cells(values: Mapping[str, str]) -> dict[str, Any]:
    return {key: text or ABSENT for key, text in values.items()}


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
