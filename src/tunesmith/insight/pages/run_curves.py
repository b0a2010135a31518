"""Learning curves of a run: training and validation of each metric, the best epoch, the learning rate below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunesmith.insight.pages.figures import (
    ACCENT,
    FAINT,
    GOOD,
    INK,
    Spec,
    axis,
    is_wide,
    label,
    layout,
    log_switch,
    panel_of,
)
from tunesmith.insight.pages.page import Figure, Section, missing, sentence
from tunesmith.insight.pages.plain_values import finite
from tunesmith.insight.pages.run_facts import Row, RunFacts, thinned
from tunesmith.run_folder import AXES

RATE = "lr"
# Metrics that are drawn, and points of a line.
MAX_METRICS, MAX_POINTS = 24, 2000
_COLORS = {"train": INK, "val": ACCENT}


def curves(facts: RunFacts) -> Section:
    """Draw each metric over the epochs; the first figure has the learning rate below it."""
    if not facts.rows:
        return Section("curves", "Learning curves", missing("No epoch has ended: metrics.csv has no row."))
    panels = _panels(facts)
    figures = [_figure(facts, panel, place) for place, panel in enumerate(panels[:MAX_METRICS])]
    words = _best_words(facts)
    longest = max(map(len, facts.rows.values()))
    if longest > MAX_POINTS:
        words += f" Of {longest} rows of metrics.csv {MAX_POINTS} evenly spread ones are drawn."
    if len(panels) > MAX_METRICS:
        words += f" Of {len(panels)} metrics the first {MAX_METRICS} are drawn."
    return Section("curves", "Learning curves", sentence(words), figures)


def _best_words(facts: RunFacts) -> str:
    gaps = "" if _is_finite(facts) else " Values that are not finite leave gaps."
    if len(facts.rows) > 1 or "" not in facts.rows:
        return f"A line for each of {len(facts.rows)} folds; training is dotted.{gaps}"
    if facts.best is None:
        return f"There is no best epoch.{gaps}"
    return f"The best epoch by {facts.metric} is {facts.best[0]}: its weights are in checkpoints/best.ckpt.{gaps}"


def _is_finite(facts: RunFacts) -> bool:
    cells = (cell for rows in facts.rows.values() for row in rows for cell in row.values() if cell)
    return all(finite(cell) is not None for cell in cells)


def _panels(facts: RunFacts) -> list[str]:
    """Return the metrics without train/ or val/, the objective's first."""
    names = dict.fromkeys(name for rows in facts.rows.values() for row in rows for name in row if name)
    panels = dict.fromkeys(panel_of(name) for name in names if name not in (*AXES, RATE))
    first = panel_of(facts.metric)
    return sorted(panels, key=lambda panel: panel != first)


def _figure(facts: RunFacts, panel: str, place: int) -> Figure:
    names = [name for name in (f"train/{panel}", f"val/{panel}", panel) if _has(facts, name)]
    step = "step" if any("step" in row for rows in facts.rows.values() for row in rows) else "epoch"
    traces = [
        _trace(rows, name, step, _name_of(fold, name), _look(fold, name))
        for fold, rows in facts.rows.items()
        for name in names
    ]
    is_log = is_wide(value for trace in traces for value in trace["y"])
    has_rate = place == 0 and _has(facts, RATE)
    spec = layout(
        axis(step, **_ticks(traces)), axis(panel, is_log, domain=[0.34 if has_rate else 0, 1]), **_marks(facts, step)
    )
    if has_rate:
        rates = [
            _trace(rows, RATE, step, "learning rate", {"color": GOOD, "shape": "vh"}) for rows in facts.rows.values()
        ]
        traces += [{**rate, "yaxis": "y2", "showlegend": False} for rate in rates]
        spec["yaxis2"] = _rate_axis([value for rate in rates for value in rate["y"] if value is not None])
        spec["xaxis"]["anchor"] = "y2"
    return Figure(
        *(f"curve-{place}", {"data": traces, "layout": spec}, 460 if has_rate else 320, [log_switch(is_log)]),
        label=f"{panel} over the {step}s",
        is_half=place > 0,
    )


def _ticks(traces: Sequence[Spec]) -> Spec:
    """Return whole ticks for few epochs, between which plotly would draw others."""
    last = max((x for trace in traces for x in trace["x"] if x is not None), default=0)
    return {"dtick": 1} if last <= 12 else {}


def _rate_axis(rates: Sequence[float]) -> Spec:
    """Return the axis of learning rates; a rate that never changes stands in the middle."""
    room: Spec = {"domain": [0, 0.22], "anchor": "x", "nticks": 4}
    if rates and min(rates) == max(rates):
        return axis("learning rate", range=[0, 2 * rates[0] or 1], exponentformat="e", **room)
    return axis("learning rate", is_wide(rates), **room)


def _has(facts: RunFacts, name: str) -> bool:
    return any(row.get(name) for rows in facts.rows.values() for row in rows)


def _name_of(fold: str, name: str) -> str:
    return label(f"{fold} {name}".strip())


def _look(fold: str, name: str) -> Spec:
    part = name.partition("/")[0]
    if fold:
        return {"dash": "dot" if part == "train" else "solid"}
    return {"color": _COLORS.get(part, INK)}


def _trace(rows: Sequence[Row], name: str, step: str, title: str, line: Spec) -> Spec:
    points = [(finite(row.get(step)), finite(row.get(name))) for row in thinned(rows, MAX_POINTS) if row.get(name)]
    return {
        "type": "scatter",
        "mode": "lines" if len(points) > 1 else "markers",
        "name": title,
        "x": [x for x, _ in points],
        "y": [y for _, y in points],
        "line": {"width": 2, **line},
        "hovertemplate": f"{step} %{{x}}<br>{title} %{{y:.5g}}<extra></extra>",
    }


def _marks(facts: RunFacts, step: str) -> dict[str, Any]:
    """Return a dashed line at the best epoch, or at the best of several validations."""
    best: object = facts.result.get("step")
    if step == "epoch":
        best = facts.best[0] if facts.best is not None else None
    if not isinstance(best, int):
        return {}
    last = max(
        (x for rows in facts.rows.values() for row in rows if (x := finite(row.get(step))) is not None), default=0
    )
    line = {"color": FAINT, "dash": "dash", "width": 1}
    place = {"x": best, "y": 1, "yref": "paper"}
    side = "left" if best < last / 2 else "right"
    words = {"text": f"best {step} {best}", "showarrow": False, "yanchor": "top", "xanchor": side}
    return {
        "shapes": [{"type": "line", "x0": best, "x1": best, "y0": 0, "y1": 1, "yref": "paper", "line": line}],
        "annotations": [{**place, **words, "font": {"color": FAINT}}],
    }
