"""Trials as their folders tell them: what each drew, reported and ended with, and the config of all."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from tunesmith.errors import UserError
from tunesmith.run_folder import CONFIG_FILE
from tunesmith.run_metrics import read_run_metrics
from tunesmith.search.attribute_names import CONFIG, CONSTRAINT, EPOCHS, OWNER, REASON, STAGE, SURPLUS
from tunesmith.search.constraints import Constraint
from tunesmith.search.space.dimension import Dimension
from tunesmith.search.space.params import read_params
from tunesmith.search.space.space import parse_space
from tunesmith.search.storage.folder_facts import FolderFacts, read_facts
from tunesmith.search.storage.lost_facts import FROM_RESULT
from tunesmith.search.study.config_record import Base, ConfigRecord, to_base
from tunesmith.search.study.owner import Owner
from tunesmith.search.trials_table import read_trials


def read_dimensions(config: DictConfig) -> Mapping[str, Dimension]:
    """Return what the sweep varies, as far as that can be told without its app."""
    params = OmegaConf.select(config, "hydra.sweeper.params") or {}
    typed = OmegaConf.select(config, "hydra.overrides.task") or []
    written = OmegaConf.to_container(params, resolve=False) if params else {}
    try:
        resolved = OmegaConf.to_container(params, resolve=True) if params else {}
        assert isinstance(resolved, dict)
        return parse_space(
            read_params({str(key): each for key, each in resolved.items()}, written), list(typed), config=config
        ).dimensions
    except (UserError, OmegaConfBaseException):
        return {}


def read_config_records(
    folder: Path, dimensions: Mapping[str, Dimension], numbers: list[int]
) -> dict[str | None, ConfigRecord]:
    """Return what the trials' configs have in common, by stage; nothing if Hydra kept no config."""
    swept = tuple(dict.fromkeys(dimension.plain_key for dimension in dimensions.values()))
    found: dict[str | None, dict[tuple[str | None, ...], Base]] = {}
    for number in numbers:
        base = _base(folder / str(number))
        if base is not None:
            bases = found.setdefault(_stage(folder, number), {})
            bases.setdefault(tuple(base.choices.get(key) for key in swept), base)
    conditional = tuple(dict.fromkeys(dimension.plain_key for dimension in dimensions.values() if dimension.when))
    return {stage: ConfigRecord(swept, tuple(bases.values()), conditional, stage) for stage, bases in found.items()}


def _stage(folder: Path, number: int) -> str | None:
    """Return the stage that a trial is of, as Hydra kept it, or trials.csv of an app that lets Hydra keep nothing."""
    with suppress(OSError, ValueError, OmegaConfBaseException):
        hydra = OmegaConf.load(folder / str(number) / CONFIG_FILE.with_name("hydra.yaml"))
        if (stage := OmegaConf.select(hydra, "hydra.sweeper.stage")) is not None:
            return str(stage)
    return _row(folder, number).get("stage") or None


def _base(folder: Path) -> Base | None:
    try:
        config, hydra = (OmegaConf.load(folder / CONFIG_FILE.with_name(name)) for name in ("config.yaml", "hydra.yaml"))
        assert isinstance(config, DictConfig)
        config.hydra = {"runtime": {"choices": hydra.hydra.runtime.choices}}
        return to_base(config)
    except (OSError, ValueError, OmegaConfBaseException, AssertionError):
        return None


def read_trial(
    folder: Path,
    number: int,
    dimensions: Mapping[str, Dimension],
    records: Mapping[str | None, ConfigRecord],
    constraints: Sequence[Constraint] = (),
) -> FrozenTrial:
    """Return a trial as its folder tells it; one without a folder has never run, or was a retry.

    records: of the stages.
    """
    if not (folder / str(number)).is_dir():
        return create_trial(state=TrialState.FAIL, user_attrs={SURPLUS: True})
    facts = _with_row(read_facts(folder / str(number)), _row(folder, number))
    stage = _stage(folder, number)
    active = active_dimensions(facts, dimensions)
    drawn = {name: each for name, dimension in active.items() if (each := _drawn(facts, dimension)) is not None}
    ended = (facts.ended or datetime.now(UTC)).astimezone().replace(tzinfo=None)
    trial = create_trial(
        state=facts.state or TrialState.FAIL,
        values=facts.values,
        params={key: value for key, (value, _) in drawn.items()},
        distributions={key: distribution for key, (_, distribution) in drawn.items()},
        intermediate_values=dict(facts.reports),
        user_attrs={**_attributes(facts, folder, records.get(stage)), **({} if stage is None else {STAGE: stage})},
        system_attrs=read_violations(folder / str(number), facts, constraints),
    )
    trial.datetime_start, trial.datetime_complete = ended - timedelta(seconds=facts.result.get("seconds") or 0), ended
    return trial


def read_violations(folder: Path, facts: FolderFacts, constraints: Sequence[Constraint]) -> dict[str, float]:
    """Return by how much a trial that ended has broken each constraint, as far as its folder tells."""
    if facts.state not in (TrialState.COMPLETE, TrialState.PRUNED):
        return {}
    try:
        metrics = read_run_metrics(folder, facts.result) if constraints else {}
    except (UserError, OSError, KeyError, TypeError, ValueError):  # whatever may have become of the files
        return {}
    known = [each for each in constraints if math.isfinite(metrics.get(each.metric, math.nan))]
    return {f"{CONSTRAINT}{each}": each.violation(metrics[each.metric]) for each in known}


def active_dimensions(facts: FolderFacts, dimensions: Mapping[str, Dimension]) -> dict[str, Dimension]:
    """Return what varied in a trial, by the names of its params."""
    params: dict[str, Any] = {}
    found: dict[str, Dimension] = {}
    for name, dimension in dimensions.items():
        if dimension.is_active(params):
            found[name] = dimension
            params[dimension.key] = facts.value_of(dimension.key, dimension.distribution)
    return found


def _drawn(facts: FolderFacts, dimension: Dimension) -> tuple[Any, BaseDistribution] | None:
    """Return what a trial has drawn and from what; the range may have been another one at the time."""
    text = facts.overrides.get(dimension.key.lstrip("+"))
    value = facts.value_of(dimension.key, dimension.distribution)
    if text is None or value is not None or None in getattr(dimension.distribution, "choices", ()):
        return None if text is None else (value, dimension.distribution)
    match dimension.distribution:
        case CategoricalDistribution(choices=choices):
            return text, CategoricalDistribution((*choices, text))
        case FloatDistribution(low=low, high=high, log=log):
            return float(text), FloatDistribution(min(low, float(text)), max(high, float(text)), log=log)
        case IntDistribution(low=low, high=high, log=log):
            return int(text), IntDistribution(min(low, int(text)), max(high, int(text)), log=log)
    return None


def _attributes(facts: FolderFacts, folder: Path, record: ConfigRecord | None) -> dict[str, Any]:
    config = {} if record is None else {CONFIG: record.digest}
    attributes: dict[str, Any] = {OWNER: {**Owner().to_attribute(folder), **config}}
    attributes |= {name: facts.result[name] for name in FROM_RESULT if facts.result.get(name)}
    if facts.state == TrialState.FAIL:
        attributes[REASON] = facts.reason or "unknown"
    if facts.result.get("epochs", len(facts.reports)) != len(facts.reports):
        attributes[EPOCHS] = facts.result["epochs"]
    return attributes


def _row(folder: Path, number: int) -> Mapping[str, str]:
    """Return what trials.csv says of a trial besides its params, empty if it has no row."""
    try:
        rows, params = read_trials(folder)
    except (OSError, ValueError, csv.Error):  # whatever may have become of the file
        return {}
    row = next((row for row in rows if row.get("number") == str(number)), {})
    return {name: text for name, text in row.items() if name not in params}


def _with_row(facts: FolderFacts, row: Mapping[str, str]) -> FolderFacts:
    """Return the facts of a trial that left no result.yaml, as any app's may, with those of its row of trials.csv."""
    state = TrialState.__members__.get(row.get("state", ""))
    if facts.state is not None or state is None or not state.is_finished():
        return facts
    names = [name for name in row if re.fullmatch(r"value(_\d+)?", name) and row[name]]
    try:
        values = {name: float(row[name]) for name in names}
    except ValueError:
        return facts
    if state == TrialState.COMPLETE and "value" not in values:
        return facts
    result = {"values": values} if len(values) > 1 else {}
    reason = row.get("reason") or None
    return FolderFacts(facts.overrides, facts.reports, state, values.get("value"), reason, facts.ended, result)
