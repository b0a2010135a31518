"""What the page of a run shows, as plain values, read from the files in the run's folder; a damaged file is said."""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from tunesmith import run_folder
from tunesmith.errors import UserError, text_of
from tunesmith.insight.diagnosis.finding import Finding
from tunesmith.insight.folder_findings import findings_in, is_well_seen
from tunesmith.insight.pages.plain_values import dict_of, finite, to_number
from tunesmith.insight.part_outputs import PartOutputs, read_part_outputs
from tunesmith.objective import known_mode
from tunesmith.resume.resume_command import typed_path

Row = Mapping[str, str]
T = TypeVar("T")


@dataclass(frozen=True)
class RunFacts:
    """A run, or a trial of a sweep.

    folder: as it is typed here.
    result: content of result.yaml, {} if there is none: the run goes on, was killed, or interrupted.
    metric, mode: the objective; "" if unknown.
    rows: of metrics.csv, by the name of the fold, "" for a run without folds.
    layers: rows of layers.csv.
    findings: what went wrong; None if nothing could be looked at; is_well_seen: whether most rules could look.
    val, test_outputs: None if they were not kept.
    test: content of test.yaml, {} if the run was not evaluated.
    config: without groups that may hold passwords; overrides: what was typed.
    can_resume: whether a checkpoint of an unfinished run is there.
    new_rows: a name for a file of new rows, such as the run can be applied to; "" if it cannot.
    missing: sentences about damaged files.
    """

    folder: str
    result: Mapping[str, Any] = field(default_factory=dict)
    metric: str = ""
    mode: str = ""
    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    layers: Sequence[Row] = ()
    findings: Sequence[Finding] | None = None
    is_well_seen: bool = True
    val: PartOutputs | None = None
    test_outputs: PartOutputs | None = None
    test: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    overrides: Sequence[str] = ()
    is_trial: bool = False
    can_resume: bool = False
    new_rows: str = ""
    missing: Sequence[str] = ()

    def label_names(self, number: int) -> list[str]:
        """Return a name for each of so many labels: the columns of data.target, or their places from 0."""
        names = dict_of(self.config.get("data")).get("target")
        is_named = isinstance(names, list) and len(names) == number
        return [str(name) for name in (names if is_named and names else range(number))]

    @property
    def best(self) -> tuple[int, float] | None:
        """The best epoch and its value, as result.yaml says, or so far: of a run without folds."""
        epoch, value = self.result.get("epoch"), to_number(self.result.get("value"))
        if isinstance(epoch, int) and value is not None:
            return epoch, value
        if self.result or not self.mode:
            return None
        rows = [(finite(row.get("epoch")), finite(row.get(self.metric))) for row in self.rows.get("", ())]
        known = [(int(epoch), value) for epoch, value in rows if epoch is not None and value is not None]
        choose = max if self.mode == "max" else min
        return choose(known, key=lambda each: each[1], default=None)

    @property
    def evaluate_command(self) -> str:
        return shlex.join(["python", "scripts/evaluate.py", self.folder])


def thinned(values: Sequence[T], most: int) -> Sequence[T]:
    """Return so many of the values at most, evenly spread, the first and the last one among them."""
    if len(values) <= most:
        return values
    return [values[place * (len(values) - 1) // (most - 1)] for place in range(most)]


def read_run_facts(folder: Path) -> RunFacts:
    """Read what there is of a run's folder.

    Raises:
        UserError: no run has written to the folder.
    """
    if not any((folder / name).exists() for name in (run_folder.METRICS_FILE, run_folder.RESULT_FILE)):
        run_folder.check_run_folder(folder)
    missing: list[str] = []
    read = _Reader(folder, missing)
    result = read.mapping(run_folder.RESULT_FILE)
    config = read.mapping(str(run_folder.CONFIG_FILE))
    stated = dict_of(config.get("objective"))
    metric = str(result.get("metric") or stated.get("metric") or "")
    modes = [mode for mode in (result.get("mode"), stated.get("mode"), known_mode(metric)) if mode in ("min", "max")]
    return RunFacts(
        folder=typed_path(folder),
        result=result,
        metric=metric,
        mode=str(modes[0]) if modes else "",
        rows=read.all_rows(),
        findings=_findings(folder, result, missing),
        is_well_seen=is_well_seen(folder),
        layers=read.read(run_folder.LAYERS_FILE, run_folder.read_table, []),
        val=read.read(run_folder.VAL_OUTPUTS_FILE, read_part_outputs, None),
        test_outputs=read.read(run_folder.TEST_OUTPUTS_FILE, read_part_outputs, None),
        test=read.mapping(run_folder.TEST_FILE),
        config={key: value for key, value in config.items() if key not in run_folder.SECRET_GROUPS},
        overrides=read.read(".hydra/overrides.yaml", _read_overrides, []),
        is_trial=(folder.absolute().parent / "multirun.yaml").is_file(),
        can_resume=(folder / run_folder.LAST_CHECKPOINT).is_file() and result.get("state") != "COMPLETE",
        new_rows=read.read(run_folder.PREPARATION_FILE, _new_rows, "")
        or read.read(f"{run_folder.fold_name(0)}/{run_folder.PREPARATION_FILE}", _new_rows, ""),
        missing=missing,
    )


@dataclass(frozen=True)
class _Reader:
    """Reads files of a folder; what cannot be read is noted in `missing`."""

    folder: Path
    missing: list[str]

    def read(self, name: str, how: Callable[[Path], T], default: T) -> T:
        """Return what a file holds, the default if it is not there or is damaged."""
        path = self.folder / name
        try:
            return how(path) if path.exists() else default
        except (OSError, ValueError, LookupError, TypeError, csv.Error, yaml.YAMLError, UserError) as error:
            self.missing.append(f"{name} cannot be read: {text_of(error)}")
            return default

    def mapping(self, name: str) -> dict[str, Any]:
        empty: dict[str, Any] = {}
        found = self.read(name, run_folder.read_yaml, empty)
        return found if isinstance(found, dict) else empty

    def all_rows(self) -> dict[str, list[dict[str, str]]]:
        whole, *folds = run_folder.run_rooms(self.folder)
        rows = {"": self.rows(whole), **{fold.name: self.rows(fold) for fold in folds}}
        return {name: each for name, each in rows.items() if each}

    def rows(self, room: Path) -> list[dict[str, str]]:
        none: list[dict[str, str]] = []
        return self.read(str(room.relative_to(self.folder) / run_folder.METRICS_FILE), run_folder.read_table, none)


def _findings(folder: Path, result: Mapping[str, Any], missing: list[str]) -> list[Finding] | None:
    try:
        return findings_in(folder, result)
    except Exception as error:  # whatever a folder may hold, the page shows what is left
        missing.append(f"What went wrong cannot be said: {type(error).__name__}: {text_of(error)}")
        return None


def _new_rows(path: Path) -> str:
    found = json.loads(path.read_text(encoding="utf-8"))
    return "new.csv" if found["columns"] else "new.npz"


def _read_overrides(path: Path) -> list[str]:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
