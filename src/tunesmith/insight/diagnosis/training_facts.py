"""What is known of one training, as plain values, read from its folder; a file that is absent or damaged is empty."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tunesmith.objective import known_mode
from tunesmith.run_folder import (
    CONFIG_FILE,
    DATA_FACTS_FILE,
    LAYERS_FILE,
    METRICS_FILE,
    PROBES_FILE,
    RESULT_FILE,
    read_table,
)

# libyaml reads a config in a tenth of the time; a machine may lack it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LAYER_NUMBERS = ("grad_norm", "weight_norm", "update_ratio", "dead_share", "blocked_share")
_REFERENCE = re.compile(r"\$\{([\w.]+)\}")
# A chain of references longer than this is a circle.
_MAX_REFERENCES = 10


@dataclass(frozen=True)
class LayerRow:
    """A row of layers.csv, see training/probes/norms.py; None: not measured."""

    epoch: int
    layer: str
    grad_norm: float | None = None
    weight_norm: float | None = None
    update_ratio: float | None = None
    dead_share: float | None = None
    blocked_share: float | None = None


@dataclass(frozen=True)
class TrainingFacts:
    """One training: a run, a trial or a fold.

    config: as it was composed; references such as ${seed} are followed by `setting`.
    epochs: rows of metrics.csv; layers: of layers.csv; looks: of probes.csv; a cell that is empty is left out.
    data: content of data_facts.json.
    state: COMPLETE, PRUNED or FAIL; reason: why; "" if it still runs or nobody knows.
    best_epoch: from 1, None if no epoch counts; metric, mode: the objective.
    """

    config: Mapping[str, object] = field(default_factory=dict)
    epochs: Sequence[Mapping[str, float]] = ()
    layers: Sequence[LayerRow] = ()
    looks: Sequence[Mapping[str, float]] = ()
    data: Mapping[str, object] = field(default_factory=dict)
    state: str = ""
    reason: str = ""
    best_epoch: int | None = None
    metric: str = ""
    mode: str = ""

    def setting(self, key: str) -> object:
        """Return what a dotted key of the config holds, None if it is not there."""
        found = _at(self.config, key)
        for _ in range(_MAX_REFERENCES):
            reference = _REFERENCE.fullmatch(found) if isinstance(found, str) else None
            if reference is None:
                return found
            found = _at(self.config, reference[1])
        return None

    def number(self, key: str) -> float | None:
        """Return the finite number that a dotted key of the config holds; or the text of one, such as 1e-3."""
        return _finite(self.setting(key))

    def fact(self, key: str) -> object:
        """Return what a dotted key of data_facts.json holds, None if it is not there."""
        return _at(self.data, key)

    def amount(self, key: str) -> float | None:
        """Return the finite number that a dotted key of data_facts.json holds."""
        return _finite(self.fact(key))


def read_training_facts(
    folder: Path, config: Mapping[str, object] | None = None, result: Mapping[str, object] | None = None
) -> TrainingFacts:
    """Return what the folder of a run, a trial or a fold holds.

    config: plain values; None: as the folder, or the run folder around a fold, has it.
    result: the fields of result.yaml; None: as the folder has them.
    """
    config = _read_config(folder) if config is None else config
    result = _read_mapping(folder / RESULT_FILE) if result is None else result
    objective = config.get("objective")
    metric = _text(result.get("metric") or (objective.get("metric") if isinstance(objective, Mapping) else None))
    mode = _text(result.get("mode")) or (known_mode(metric) or "")
    epoch = result.get("epoch")
    return TrainingFacts(
        config=config,
        epochs=_read_rows(folder / METRICS_FILE),
        layers=[_layer_row(row) for row in _read_texts(folder / LAYERS_FILE) if _is_epoch(row.get("epoch"))],
        looks=_read_rows(folder / PROBES_FILE),
        data=_read_mapping(folder / DATA_FACTS_FILE),
        state=_text(result.get("state")),
        reason=_text(result.get("reason")),
        best_epoch=epoch if isinstance(epoch, int) else None,
        metric=metric,
        mode=mode,
    )


def _read_config(folder: Path) -> Mapping[str, object]:
    own = folder / CONFIG_FILE
    return _read_mapping(own if own.exists() else folder.parent / CONFIG_FILE)


def _read_mapping(path: Path) -> Mapping[str, object]:
    """Return the keys and values of a YAML or JSON file."""
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else yaml.load(text, _LOADER)
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _read_texts(path: Path) -> list[dict[str, str]]:
    try:
        return read_table(path)
    except (OSError, ValueError, csv.Error):
        return []


def _read_rows(path: Path) -> list[dict[str, float]]:
    rows = [{name: _cell(cell) for name, cell in row.items()} for row in _read_texts(path)]
    known = [{name: value for name, value in row.items() if value is not None} for row in rows]
    return [row for row in known if math.isfinite(row.get("epoch", math.nan))]


def _layer_row(row: Mapping[str, str]) -> LayerRow:
    return LayerRow(int(row["epoch"]), row.get("layer") or "", *(_finite(row.get(name)) for name in _LAYER_NUMBERS))


def _is_epoch(cell: str | None) -> bool:
    return cell is not None and len(cell) < 10 and cell.isdecimal()


def _cell(cell: object) -> float | None:
    return _number(cell) if isinstance(cell, str) else None


def _finite(value: object) -> float | None:
    number = _number(value)
    return number if number is not None and math.isfinite(number) else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _at(content: object, key: str) -> object:
    for name in key.split("."):
        content = content.get(name) if isinstance(content, Mapping) else None
    return content


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
