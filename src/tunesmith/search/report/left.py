"""The trials of a study whose storage cannot be read: what trials.csv and the trials' folders tell of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tunesmith import run_folder
from tunesmith.insight.diagnosis.tally import known_names
from tunesmith.insight.pages.figures import is_wide
from tunesmith.insight.pages.plain_values import finite
from tunesmith.insight.pages.study_facts import ParamFacts, State, TrialFacts
from tunesmith.search.report.trials import REPEATING
from tunesmith.search.storage.folder_facts import FolderFacts, read_facts
from tunesmith.search.study.trial_folders import numbered_folders
from tunesmith.search.trials_table import read_trials

# Trials whose folders are looked into for their curves: of more, every n-th.
MAX_CURVES = 500
_STATES: Mapping[str, State] = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}


def trials_left(folder: Path) -> tuple[list[TrialFacts], list[ParamFacts]]:
    """Return what trials.csv says, with the curves of the trials' folders; without it, what the folders say alone."""
    rows: list[dict[str, str]] = []
    params: list[str] = []
    with suppress(OSError, ValueError):
        rows, params = read_trials(folder)
    if not rows:
        trials = [_of_folder(number, read_facts(folder / str(number))) for number in numbered_folders(folder)]
        return trials, _params(trials, list(dict.fromkeys(key for trial in trials for key in trial.params)))
    every = -(-len(rows) // MAX_CURVES)
    found = [_of_row(row, params, folder, has_curve=place % every == 0) for place, row in enumerate(rows)]
    shown = [trial for trial in found if trial is not None]
    return shown, _params(shown, params)


def _of_row(row: Mapping[str, str], params: Sequence[str], folder: Path, has_curve: bool) -> TrialFacts | None:
    state = _STATES.get(row.get("state", ""))
    number = _number(row.get("number"))
    if state is None or not isinstance(number, int):
        return None
    where = run_folder.trial_folder(folder, row.get("folder", ""))
    curve = read_facts(where).reports if where is not None and has_curve else {}
    further = [_float(row[name]) for name in row if name.startswith("value_") and name[6:].isdecimal()]
    values = [value for value in (_float(row.get("value")), *further) if value is not None]
    stage = row.get("stage") or None
    return TrialFacts(
        number,
        state,
        values[0] if values else None,
        values,
        {key: _number(row[key]) for key in params if row[key]},
        curve,
        int(finite(row.get("epochs")) or 0),
        finite(row.get("seconds")),
        worker=row.get("host") or None,
        stage=stage,
        reason=row.get("reason") or None,
        folder=row.get("folder", ""),
        is_infeasible=bool(row.get("infeasible")),
        violations=tuple(name for name in row.get("infeasible", "").split(", ") if name),
        is_repeat=stage in REPEATING,
        findings=known_names((row.get("findings") or "").split()),
    )


def _of_folder(number: int, facts: FolderFacts) -> TrialFacts:
    state = "lost" if facts.state is None else _STATES.get(facts.state.name, "lost")
    values = facts.values if state == "complete" and facts.values else []
    numbers = [float(value) for value in values if isinstance(value, int | float)]
    value = numbers[0] if numbers else facts.value if state == "pruned" else None
    seconds = facts.result.get("seconds")
    return TrialFacts(
        number,
        state,
        value,
        numbers,
        {key: _number(text) for key, text in facts.overrides.items() if not key.startswith("hydra")},
        facts.reports,
        len(facts.reports),
        float(seconds) if isinstance(seconds, int | float) else None,
        ended=facts.ended,
        reason=facts.reason,
        folder=str(number),
    )


def _params(trials: Sequence[TrialFacts], keys: Sequence[str]) -> list[ParamFacts]:
    return [_param(key, [trial.params[key] for trial in trials if key in trial.params]) for key in keys]


def _param(key: str, values: Sequence[Any]) -> ParamFacts:
    numbers = [value for value in values if isinstance(value, int | float) and math.isfinite(value)]
    if len(numbers) < len(values) or not numbers:
        return ParamFacts(key, choices=list({repr(value): value for value in values}.values()))
    return ParamFacts(key, is_wide(numbers), min(numbers), max(numbers))


def _float(text: str | None) -> float | None:
    number = _number(text)
    return float(number) if isinstance(number, int | float) else None


def _number(text: str | None) -> Any:
    """Return the number that a cell holds, else its text."""
    for kind in (int, float):
        with suppress(ValueError, TypeError):
            return kind(text)  # type: ignore[arg-type]
    return text
