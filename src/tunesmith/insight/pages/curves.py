"""The section `curves`: the reported values of all trials over their steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tunesmith.insight.pages.figures import (
    ACCENT,
    FAINT,
    GOOD,
    INK,
    WARN,
    axis,
    is_wide,
    layout,
    log_switch,
    value_axis,
)
from tunesmith.insight.pages.hover import describe
from tunesmith.insight.pages.page import Figure, Section, missing, sentence
from tunesmith.insight.pages.plain_values import at
from tunesmith.insight.pages.study_facts import StudyFacts, TrialFacts

# Curves and points that a figure has at most; more make it slow.
MAX_CURVES, MAX_POINTS = 300, 30_000
# Steps of which each has a label.
MAX_LABELS = 15
_STYLES: dict[str, dict[str, Any]] = {
    "complete": {"color": INK, "width": 1.2},
    "pruned": {"color": FAINT, "width": 1, "dash": "dot"},
    "failed": {"color": WARN, "width": 1.2},
    "running": {"color": GOOD, "width": 1.5},
    "lost": {"color": FAINT, "width": 1, "dash": "dash"},
    "best": {"color": ACCENT, "width": 3},
}


def curves(study: StudyFacts) -> Section:
    """Return the section."""
    title = "Learning curves"
    having = [trial for trial in study.trials if any(map(math.isfinite, trial.curve.values()))]
    if not having:
        why = (
            "with several objectives nothing is reported by epoch"
            if study.is_multi
            else "no trial has reported a value"
        )
        return Section("curves", title, missing(f"There are no curves: {why}."))
    shown = _thinned(study, having)
    every = -(-max(len(trial.curve) for trial in shown) * len(shown) // MAX_POINTS)
    values = [value for trial in shown for value in trial.curve.values()]
    is_log = is_wide(values)
    step = "fold" if at(study.config, "data.folds") else "epoch or reported step"
    spec = {
        "data": _traces(study, shown, every),
        "layout": layout(_step_axis(step, shown), value_axis(study.metric, values, is_log)),
    }
    figure = Figure("curves-all", spec, 480, [log_switch(is_log)], f"{study.metric} of the trials by {step}")
    return Section("curves", title, "".join(_words(study, having, shown, every)), [figure])


def _step_axis(title: str, shown: Sequence[TrialFacts]) -> dict[str, Any]:
    """Return the axis of the steps: of few, each has a label, and nothing between them."""
    last = max(max(trial.curve) for trial in shown)
    return axis(title, dtick=1) if last <= MAX_LABELS else axis(title)


def _words(study: StudyFacts, having: Sequence[TrialFacts], shown: Sequence[TrialFacts], every: int) -> list[str]:
    words = [
        f"{study.metric} as each trial reported it: pruned trials dotted, the best one bold. "
        "The pointer shows parameters, a click in the legend hides curves."
    ]
    if len(shown) < len(having):
        words.append(f"{len(shown)} of {len(having)} curves are drawn: the best ten, and every n-th of the others.")
    if every > 1:
        words.append(f"Of each curve every {every}. step is drawn, and the last one.")
    gaps = sum(not all(map(math.isfinite, trial.curve.values())) for trial in having)
    if gaps:
        words.append(f"{gaps} trials reported values that are not finite: their curves have gaps there.")
    others = {trial.stage for trial in having if not trial.is_comparable}
    if others:
        words.append("Curves of stages with other data or epochs are among them; their values are not to be compared.")
    return [sentence(each) for each in words]


def _thinned(study: StudyFacts, trials: Sequence[TrialFacts]) -> list[TrialFacts]:
    """Return the best ten, those that run, and every n-th of the others."""
    if len(trials) <= MAX_CURVES:
        return list(trials)
    kept = {trial.number for trial in study.ranked[:10]}
    every = -(-len(trials) // (MAX_CURVES - 10))
    return [
        trial for place, trial in enumerate(trials) if place % every == 0 or trial.number in kept or trial is study.best
    ]


def _traces(study: StudyFacts, shown: Sequence[TrialFacts], every: int) -> list[dict[str, Any]]:
    """Return a trace per state, in which a gap stands between two trials: traces are dear, points are not."""
    best = None if study.best is None else study.best.number
    kinds: dict[str, list[TrialFacts]] = {}
    for trial in shown:
        kinds.setdefault("best" if trial.number == best else trial.state, []).append(trial)
    return [_trace(kind, kinds[kind], every) for kind in _STYLES if kind in kinds]


def _trace(kind: str, trials: Sequence[TrialFacts], every: int) -> dict[str, Any]:
    x: list[int | None] = []
    y: list[float | None] = []
    index: list[int | None] = []
    for place, trial in enumerate(trials):
        steps = list(trial.curve.items())
        kept = [*steps[:-1:every], steps[-1]]
        x += [*(step for step, _ in kept), None]
        y += [*(_short(value) for _, value in kept), None]
        index += [*([place] * len(kept)), None]
    name = f"best: trial {trials[0].number}" if kind == "best" else f"{kind} ({len(trials)})"
    return {
        "type": "scatter",
        "mode": "lines+markers" if max(len(trial.curve) for trial in trials) == 1 else "lines",
        "name": name,
        "x": x,
        "y": y,
        "texts": [describe(trial) for trial in trials],
        "text_index": index,
        "hovertemplate": "step %{x}: %{y:.6g}<br>%{text}<extra></extra>",
        "line": _STYLES[kind],
        "connectgaps": False,
    }


def _short(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None
