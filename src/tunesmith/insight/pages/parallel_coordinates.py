"""Parallel coordinates: a line per trial through its parameters, each on its own scale, and its value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunesmith.insight.pages import figures
from tunesmith.insight.pages.drawn_trials import DrawnTrials
from tunesmith.insight.pages.figures import Spec, label
from tunesmith.insight.pages.page import Figure
from tunesmith.insight.pages.param_scale import ParamScale, make_scale, shorten
from tunesmith.insight.pages.study_facts import StudyFacts, TrialFacts

# Axes that stand side by side, beside those of state and value.
MAX_AXES = 10
NOT_SET = "not set"
# Colours of pruned trials, whose number is -1, and of complete ones from the worst, 0, to the best, 1: plotly draws
# lines of higher numbers above those of lower ones.
_PRUNED = figures.STATES["pruned"]
_COLOURS = [[0, _PRUNED], [0.49, _PRUNED], *([1 - place / 2, colour] for place, colour in figures.MARK_COLORS[::-1])]


def parallel_figure(facts: StudyFacts, drawn: DrawnTrials, scales: Sequence[ParamScale]) -> Figure | None:
    """Return the figure, None if there are fewer than two trials or nothing varies.

    scales: of the parameters, in the order of the axes.
    """
    trials = drawn.marks[::-1]
    shown = scales[:MAX_AXES]
    if len(trials) < 2 or not shown:
        return None
    values = [trial.value for trial in trials if trial.value is not None]
    of_value = make_scale(facts.metric, values, is_log=figures.is_wide(values))
    states = [_state_axis(trials)] if len({trial.state for trial in trials}) > 1 else []
    axes = [*(_param_axis(scale, trials) for scale in shown), *states, _axis(of_value, values)]
    trace = {
        "type": "parcoords",
        "line": {"color": _colours(trials), "colorscale": _COLOURS, "cmin": -1, "cmax": 1},
        "dimensions": axes,
        "labelangle": -15,
        "labelfont": {"size": 11},
        "rangefont": {"size": 1, "color": "rgba(0,0,0,0)"},  # the ticks say it
    }
    layout = {"margin": {"l": 60, "r": 60, "t": 90, "b": 20}, "font": {"size": 11}}
    return Figure(
        "parallel",
        {"data": [trace], "layout": layout},
        440,
        label="parallel coordinates of the trials",
        min_width=85 * len(axes),
    )


def _colours(trials: Sequence[TrialFacts]) -> list[float]:
    """Return a number per trial, the worst first: -1 for pruned ones, 0 for the worst complete one, 1 for the best."""
    complete = [trial.number for trial in trials if trial.state == "complete"]
    places = {number: place / max(1, len(complete) - 1) for place, number in enumerate(complete)}
    return [places.get(trial.number, -1.0) for trial in trials]


def _param_axis(scale: ParamScale, trials: Sequence[TrialFacts]) -> Spec:
    return _axis(scale, [trial.params.get(scale.key) for trial in trials])


def _axis(scale: ParamScale, values: Sequence[Any]) -> Spec:
    """Return the axis of a parameter; a trial that has no value of it runs through a tick below the scale."""
    low, high = scale.ends
    below = low - 0.12 * ((high - low) or 1)
    places = [below if value is None or (at := scale.place(value)) is None else at for value in values]
    ticks, texts = scale.ticks()
    if not ticks:
        ticks = _even_ticks(scale, low, high)
        texts = [f"{tick:.4g}" for tick in ticks]
    if below in places:
        ticks, texts = [below, *ticks], [NOT_SET, *texts]
    shown = [label(shorten(text), 18) for text in texts]
    start = below if below in places else low
    return {
        "label": label(scale.key, 22),
        "values": places,
        "range": [start, high] if start < high else [start - 0.5, high + 0.5],
        "tickvals": ticks,
        "ticktext": shown,
    }


def _even_ticks(scale: ParamScale, low: float, high: float) -> list[float]:
    if low == high:
        return [low]
    if scale.is_integer and high - low <= MAX_AXES:
        return [low + step for step in range(int(high - low) + 1)]
    return [low + (high - low) * step / 4 for step in range(5)]


def _state_axis(trials: Sequence[TrialFacts]) -> Spec:
    states = ("pruned", "complete")
    places = [states.index(trial.state) for trial in trials if trial.state in states]
    return {"label": "state", "values": places, "range": [-0.2, 1.2], "tickvals": [0, 1], "ticktext": list(states)}
