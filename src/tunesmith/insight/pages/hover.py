"""What a figure shows of a trial when the pointer is on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.insight.pages.figures import label, number
from tunesmith.insight.pages.param_scale import to_text
from tunesmith.insight.pages.study_facts import TrialFacts

MAX_PARAMS = 15


def describe(trial: TrialFacts, *further: str) -> str:
    """Return a trial's number, state, value and parameters in lines; further: lines of ours after the first one."""
    values = ", ".join(map(number, trial.values)) if len(trial.values) > 1 else number(trial.value)
    stage = [] if trial.stage is None else [f"stage {label(trial.stage)}"]
    head = f"<b>trial {trial.number}</b> {trial.state}{' (baseline)' if trial.is_baseline else ''}, value {values}"
    reason = [label(trial.reason, 90)] if trial.reason else []
    return "<br>".join([head, *further, *stage, *reason, *_params(trial.params)])


def _params(params: Mapping[str, Any]) -> list[str]:
    lines = [f"{label(key)} = {label(to_text(value), 40)}" for key, value in params.items()]
    more = len(lines) - MAX_PARAMS
    return lines if more <= 0 else [*lines[:MAX_PARAMS], f"and {more} more"]
