"""The value over two parameters at once, interpolated between the trials that ran to their end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tunesmith.insight.pages import figures
from tunesmith.insight.pages.drawn_trials import FEW_TRIALS, DrawnTrials
from tunesmith.insight.pages.figures import Spec, label, number
from tunesmith.insight.pages.page import Figure
from tunesmith.insight.pages.param_scale import ParamScale, to_text
from tunesmith.insight.pages.param_values import on_axis, param_axis
from tunesmith.insight.pages.study_facts import StudyFacts, TrialFacts

Floats = NDArray[np.float64]

# Points of the grid along each axis; a trial decides the value around it up to so far, in parts of the range.
NUM_POINTS, REACH = 40, 0.25


def contour_figure(facts: StudyFacts, drawn: DrawnTrials, across: ParamScale, up: ParamScale) -> Figure | None:
    """Return the figure of two parameters, None if too few complete trials have both.

    Optuna's contour draws a matrix of all pairs of values, most of which nobody has tried: 520 kB for 200 trials, where
    this grid takes 15 kB; and it extrapolates, where this one stays blank far from every trial.
    """
    trials = [trial for trial in drawn.complete if across.key in trial.params and up.key in trial.params]
    if len(trials) < FEW_TRIALS:
        return None
    values = np.array([trial.value for trial in trials], dtype=float)
    is_log = figures.is_wide(values.tolist())
    heights = np.log10(values) if is_log else values
    x, y = _places(trials, across), _places(trials, up)
    surface = {
        "type": "contour",
        "x": _grid_of(across),
        "y": _grid_of(up),
        "z": [[None if np.isnan(z) else float(f"{z:.4g}") for z in row] for row in _interpolate(x, y, heights)],
        "colorscale": figures.COLORSCALE,
        "reversescale": facts.sign > 0,
        "contours": {"coloring": "heatmap"},
        "line": {"width": 0.5},
        "hoverinfo": "skip",
        "colorbar": _colour_bar(facts, heights, is_log),
    }
    layout = figures.layout(param_axis(across), param_axis(up), showlegend=False)
    spec = {"data": [surface, _marks(facts, drawn, trials, across, up)], "layout": layout}
    return Figure("contour", spec, 420, label=f"{facts.metric} over {across.key} and {up.key}", is_half=True)


def _places(trials: list[TrialFacts], scale: ParamScale) -> Floats:
    """Return where the trials lie on a scale, from 0 to 1: (trials,)."""
    low, high = scale.ends
    places = np.array([scale.place(trial.params[scale.key]) or 0.0 for trial in trials])
    return (places - low) / ((high - low) or 1.0)


def _grid_of(scale: ParamScale) -> list[float]:
    """Return the grid as the axis of a scale counts."""
    places = np.linspace(*scale.ends, NUM_POINTS)
    return [float(f"{place:.6g}") for place in (10**places if scale.is_log else places)]


def _interpolate(x: Floats, y: Floats, heights: Floats) -> Floats:
    """Return the heights on the grid, weighted by 1 / distance^4 (Shepard 1968); NaN where no trial is near.

    x, y, heights: (trials,).
    """
    grid = np.linspace(0, 1, NUM_POINTS)
    squares = (grid[None, :, None] - x) ** 2 + (grid[:, None, None] - y) ** 2
    weights = 1 / (squares + 1e-4) ** 2
    surface: Floats = weights @ heights / weights.sum(axis=-1)
    return np.where(squares.min(axis=-1) < REACH**2, surface, np.nan)


def _colour_bar(facts: StudyFacts, heights: Floats, is_log: bool) -> Spec:
    bar: Spec = {"title": {"text": label(facts.metric, 32), "side": "right"}, "thickness": 12, "outlinewidth": 0}
    if not is_log:
        return bar
    ticks = np.linspace(heights.min(), heights.max(), 5)
    return {**bar, "tickvals": ticks.tolist(), "ticktext": [f"{10**tick:.3g}" for tick in ticks]}


def _marks(facts: StudyFacts, drawn: DrawnTrials, trials: list[TrialFacts], across: ParamScale, up: ParamScale) -> Spec:
    trials = trials[::-1]  # the best one on top
    x, y = ([on_axis(scale, trial.params[scale.key]) for trial in trials] for scale in (across, up))
    best = [trial is drawn.best for trial in trials]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": y,
        "text": [
            f"trial {trial.number}: {label(facts.metric)} {number(trial.value)}"
            + "".join(f"<br>{label(scale.key)}: {label(to_text(trial.params[scale.key]))}" for scale in (across, up))
            for trial in trials
        ],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "symbol": ["star" if each else "circle" for each in best],
            "size": [16 if each else 7 for each in best],
            "color": [figures.ACCENT if each else "white" for each in best],
            "line": {
                "width": [2 if each else 1 for each in best],
                "color": ["white" if each else "#333" for each in best],
            },
        },
    }
