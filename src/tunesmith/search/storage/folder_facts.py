"""What a trial's folder tells of it: the values that it drew, what it reported, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import TrialState

from tunesmith.config.quoting import to_optuna
from tunesmith.run_folder import CONFIG_FILE, RESULT_FILE, read_metrics

_OVERRIDES = CONFIG_FILE.with_name("overrides.yaml")


@dataclass(frozen=True)
class FolderFacts:
    """overrides: key -> text; reports: step -> value; state: None as long as the run has not ended; ended: in UTC."""

    overrides: Mapping[str, str] = field(default_factory=dict)
    reports: Mapping[int, float] = field(default_factory=dict)
    state: TrialState | None = None
    value: float | None = None
    reason: str | None = None
    ended: datetime | None = None
    result: Mapping[str, Any] = field(default_factory=dict)

    @property
    def values(self) -> list[float] | None:
        """What Optuna keeps as the trial's values: those of a pruned one are the last that it reported."""
        values = self.result.get("values")  # of several objectives
        if self.state == TrialState.COMPLETE and isinstance(values, Mapping):
            return list(values.values())
        last = self.reports[max(self.reports)] if self.reports else self.value
        value = {TrialState.COMPLETE: self.value, TrialState.PRUNED: last}.get(self.state) if self.state else None
        return None if value is None else [value]

    def value_of(self, key: str, distribution: BaseDistribution) -> Any:
        """Return the value that the run had for a key, as the distribution has it; None if it has none."""
        text = self.overrides.get(key.lstrip("+"))
        if text is None:
            return None
        if isinstance(distribution, CategoricalDistribution):
            written = [_choice(text), text]
            return next((each for each in distribution.choices if repr(each) in map(repr, written)), None)
        try:
            number = float(text)
        except ValueError:
            return None
        return distribution.to_external_repr(number) if distribution._contains(number) else None


def read_facts(folder: Path) -> FolderFacts:
    """Read what a trial's folder holds; a file that is damaged, too, tells nothing."""
    result = _read(folder / RESULT_FILE)
    result = result if isinstance(result, dict) else {}
    overrides = _read(folder / _OVERRIDES)
    texts = [text for text in overrides if isinstance(text, str)] if isinstance(overrides, list) else []
    pairs = [text.lstrip("+").partition("=") for text in texts]
    state, value = getattr(TrialState, str(result.get("state")), None), result.get("value")
    is_ended = state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    has_value = type(value) in (int, float)
    return FolderFacts(
        {key: text for key, _, text in pairs},
        _reports(folder, result),
        state if is_ended and (has_value or state != TrialState.COMPLETE) else None,
        value if has_value else None,
        result.get("reason") and str(result["reason"]),
        datetime.fromtimestamp((folder / RESULT_FILE).stat().st_mtime, UTC) if result else None,
        result,
    )


def _reports(folder: Path, result: Mapping[str, Any]) -> dict[int, float]:
    """Return the objective's values by their epochs, of several in one epoch the best; none if the run has folds."""
    pick = max if result.get("mode") == "max" else min
    values: dict[int, list[float]] = {}
    try:
        for row in read_metrics(folder):
            if row.get(str(result.get("metric"))):
                values.setdefault(int(row["epoch"]), []).append(float(row[str(result["metric"])]))
    except (ValueError, KeyError, TypeError):
        return {}
    return {epoch: pick(each) for epoch, each in values.items()}


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError):
        return None


def _choice(text: str) -> Any:
    """Return what Optuna stores for a value that is written in Hydra's grammar; None if it is no such value."""
    try:
        return to_optuna(OverridesParser.create().parse_override(f"key={text}")._value)
    except HydraException:
        return None
