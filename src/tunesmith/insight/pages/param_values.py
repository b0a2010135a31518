"""A figure per parameter: the trials' values over the parameter's, on its own scale, coloured by another parameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunesmith.insight.pages import figures
from tunesmith.insight.pages.drawn_trials import DrawnTrials
from tunesmith.insight.pages.figures import Spec, label, number
from tunesmith.insight.pages.page import Figure
from tunesmith.insight.pages.param_scale import ParamScale, shorten, to_text
from tunesmith.insight.pages.study_facts import StudyFacts, TrialFacts

# Choices whose labels an axis has room for.
MAX_TICKS = 12
# Its multiples spread evenly over a place, however many there are.
GOLDEN = 0.618034
LEGEND = (
    "● complete, ○ pruned (the best value that it reported), ◇ breaks a constraint, ★ the best, "
    "✕ at the edge: failed, or its value is no finite number; grey: the parameter of the colour is not set."
)


def value_figure(
    facts: StudyFacts, drawn: DrawnTrials, scale: ParamScale, colour: ParamScale | None, place: int
) -> Figure:
    """Return the figure of one parameter.

    colour: scale of the parameter that colours the marks, None for one colour; place: of the figure, for its id.
    """
    groups = {
        "circle": [trial for trial in drawn.marks if trial.state == "complete" and not trial.is_infeasible],
        "circle-open": [trial for trial in drawn.marks if trial.state == "pruned" and not trial.is_infeasible],
        "diamond-open": [trial for trial in drawn.marks if trial.is_infeasible],
        "star": [] if drawn.best is None else [drawn.best],
    }
    traces = [
        _trace(facts, [trial for trial in trials if _has(trial, colour) == has], scale, colour if has else None, symbol)
        for symbol, trials in groups.items()
        for has in (False, True)
    ]
    traces.append(_edge_trace(drawn.unscored, scale))
    is_log = figures.is_wide([trial.value for trial in drawn.marks])
    layout = figures.layout(
        param_axis(scale),
        figures.value_axis(facts.metric, [trial.value for trial in drawn.marks], is_log),
        yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
        showlegend=False,
        **_colour_axis(colour),
    )
    spec = {"data": [trace for trace in traces if trace["x"]], "layout": layout}
    return Figure(f"value-{place}", spec, 300, label=f"{facts.metric} over {scale.key}", is_half=True)


def param_axis(scale: ParamScale) -> Spec:
    """Return the axis of a parameter: linear or log numbers, or the places of its choices."""
    if not scale.choices:
        if _is_stepwise(scale):
            return figures.axis(scale.key, dtick=1, range=[scale.low - 0.5, scale.high + 0.5])
        return figures.value_axis(scale.key, [scale.low, scale.high], scale.is_log)
    places, labels = scale.ticks()
    step = -(-len(places) // MAX_TICKS)
    shown = [label(text, 16) for text in labels[::step]]
    span = [-0.5, len(places) - 0.5]
    return figures.axis(scale.key, tickvals=places[::step], ticktext=shown, range=span)


def on_axis(scale: ParamScale, value: Any) -> float | None:
    """Return what `param_axis` places a value by; None if it is not on the scale."""
    place = scale.place(value)
    return place if scale.choices or place is None else float(value)


def _points(trials: Sequence[TrialFacts], scale: ParamScale) -> list[tuple[TrialFacts, float]]:
    """Return the trials that have the parameter, and where they stand; beside each other if there are few places."""
    points = [(trial, x) for trial in trials if (x := on_axis(scale, trial.params.get(scale.key))) is not None]
    if not scale.choices and not _is_stepwise(scale):
        return points
    return [(trial, x + 0.4 * (trial.number * GOLDEN % 1 - 0.5)) for trial, x in points]


def _is_stepwise(scale: ParamScale) -> bool:
    """Whether the numbers are few integers."""
    return scale.is_integer and not scale.is_log and scale.high - scale.low < MAX_TICKS


def _trace(
    facts: StudyFacts, trials: Sequence[TrialFacts], scale: ParamScale, colour: ParamScale | None, symbol: str
) -> Spec:
    points = _points(trials, scale)
    marker: Spec = {"symbol": symbol, "size": 16 if symbol == "star" else 8, "color": figures.FAINT}
    if symbol == "star":
        marker |= {"color": figures.ACCENT, "line": {"width": 1, "color": "white"}}
    elif colour is not None:
        marker |= {"color": [colour.place(trial.params[colour.key]) for trial, _ in points], "coloraxis": "coloraxis"}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [x for _, x in points],
        "y": [trial.value for trial, _ in points],
        "text": [_hover(facts, trial, scale, colour) for trial, _ in points],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": marker,
    }


def _edge_trace(trials: Sequence[TrialFacts], scale: ParamScale) -> Spec:
    """Return the marks at the upper edge: trials without a value that could be drawn."""
    points = _points(trials, scale)
    return {
        "type": "scatter",
        "mode": "markers",
        "yaxis": "y2",
        "x": [x for _, x in points],
        "y": [0.98] * len(points),
        "text": [f"trial {trial.number}: {_why(trial)}<br>{_setting(trial, scale)}" for trial, _ in points],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"symbol": "x", "size": 8, "color": figures.STATES["failed"]},
    }


def _why(trial: TrialFacts) -> str:
    return label(trial.reason or "failed", 120) if trial.state == "failed" else f"value {trial.value}"


def _hover(facts: StudyFacts, trial: TrialFacts, scale: ParamScale, colour: ParamScale | None) -> str:
    state = "" if trial.state == "complete" else f", pruned after epoch {trial.epochs}"
    broken = f"<br>breaks {label(', '.join(trial.violations))}" if trial.violations else ""
    settings = "<br>".join(_setting(trial, each) for each in (scale, colour) if each is not None)
    return f"trial {trial.number}: {label(facts.metric)} {number(trial.value)}{state}<br>{settings}{broken}"


def _setting(trial: TrialFacts, scale: ParamScale) -> str:
    value = trial.params.get(scale.key)
    return f"{label(scale.key)}: {label(to_text(value)) if scale.key in trial.params else 'not set'}"


def _has(trial: TrialFacts, scale: ParamScale | None) -> bool:
    return scale is not None and scale.key in trial.params


def _colour_axis(colour: ParamScale | None) -> Spec:
    """Return the colour bar; its numbers are places, so that a log scale has its own ticks."""
    if colour is None:
        return {}
    places, labels = colour.ticks()
    ticks = {"tickvals": places, "ticktext": [label(shorten(text), 12) for text in labels]} if places else {}
    low, high = colour.ends
    title = {"text": label(colour.key, 32), "side": "right", "font": {"size": 11}}
    bar = {"title": title, "thickness": 10, "outlinewidth": 0, **ticks}
    return {"coloraxis": {"colorscale": figures.MARK_COLORS, "cmin": low, "cmax": high, "colorbar": bar}}
