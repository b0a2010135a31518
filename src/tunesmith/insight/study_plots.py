"""Pictures of studies, drawn by matplotlib: values against parameters, and the best so far."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.config.changes import show_value
from tunesmith.insight.comparison.members import Curve, best_so_far, of_study
from tunesmith.insight.comparison.seed_groups import SeedGroup
from tunesmith.insight.pages.figures import is_wide
from tunesmith.insight.pages.study_facts import ParamFacts, StudyFacts, TrialFacts
from tunesmith.insight.plots import ACCENT, FAINT, INK, MAX_LABELS, as_text, picture

# How trials of a state are marked; those without a value lie at the edge of the picture.
MARKERS = {"complete": "o", "pruned": "v", "failed": "x"}
_EDGE = 0.02
# A log axis that spans less than this factor has ticks at 1, 2, 5, 10.
NARROW = 100


def save_study(path: Path, study: StudyFacts) -> None:
    """Draw the value over each parameter, coloured by the next parameter, and the best value so far.

    Trials are marked by their states; a failed one, or one whose value is infinite, lies at the lower edge. A
    confirmation's repeats are left out.
    """
    trials = [trial for trial in study.trials if trial.state in MARKERS and not trial.is_repeat]
    params = [param for param in study.params if any(param.key in trial.params for trial in trials)]
    with picture(path, len(params) + 2) as all_axes:
        for index, (param, axes) in enumerate(zip(params, all_axes, strict=False)):
            other = params[(index + 1) % len(params)]
            _draw_param(axes, [trial for trial in trials if param.key in trial.params], param, other)
        _draw_trials(all_axes[-2], study, trials)
        _draw_curve(all_axes[-1], of_study(study).curve, color=ACCENT)
        all_axes[-1].set(xlabel="epochs of all trials", title="best so far")
        for axes in all_axes:
            axes.set(ylabel=as_text(study.metric))
            if is_wide(_value(trial) for trial in trials):
                axes.set(yscale="log")


def save_best_so_far(path: Path, groups: Sequence[SeedGroup]) -> None:
    """Draw the best value so far against epochs, a panel per metric and a colour per group.

    Of a group of several seeds the mean is drawn, with a band of one standard deviation, and each seed faintly.
    """
    metrics = list(dict.fromkeys(group.metric for group in groups))
    with picture(path, len(metrics)) as all_axes:
        for metric, axes in zip(metrics, all_axes, strict=True):
            shown = [group for group in groups if group.metric == metric]
            for number, group in enumerate(shown):
                _draw_group(axes, group, f"C{number}")  # matplotlib's ten colours, which differ more than shades
            axes.set(xlabel="epochs", ylabel=as_text(metric), title="best so far")
            if is_wide(value for group in shown for curve in group.curves for value in curve.best):
                axes.set(yscale="log")
            if len(shown) <= MAX_LABELS and any(group.curves for group in shown):
                axes.legend()


def mean_curve(curves: Sequence[Curve]) -> tuple[Sequence[int], Sequence[float], Sequence[float]]:
    """Return epochs, mean and standard deviation of several best so far, from where all have a value.

    One that has ended keeps its last value.
    """
    start = max(curve.epochs[0] for curve in curves)
    epochs = sorted({epoch for curve in curves for epoch in curve.epochs if epoch >= start})
    values = np.array([[_at(curve, epoch) for epoch in epochs] for curve in curves])
    return epochs, values.mean(0).tolist(), values.std(0, ddof=1).tolist()


def _at(curve: Curve, epoch: int) -> float:
    return curve.best[bisect_right(curve.epochs, epoch) - 1]


def _draw_group(axes: Any, group: SeedGroup, color: Any) -> None:
    name = as_text(group.name)
    if len(group.curves) < 2:
        for curve in group.curves:
            _draw_curve(axes, curve, color=color, label=name)
        return
    for curve in group.curves:
        _draw_curve(axes, curve, color=color, alpha=0.3, linewidth=1)
    epochs, mean, spread = map(np.array, mean_curve(group.curves))
    axes.step(epochs, mean, where="post", color=color, linewidth=2, label=f"{name}, mean of {len(group.curves)}")
    axes.fill_between(epochs, mean - spread, mean + spread, step="post", color=color, alpha=0.15, linewidth=0)


def _draw_curve(axes: Any, curve: Curve, **style: Any) -> None:
    axes.step(curve.epochs, curve.best, where="post", **{"linewidth": 2, **style})


def _draw_param(axes: Any, trials: Sequence[TrialFacts], param: ParamFacts, other: ParamFacts) -> None:
    from matplotlib.ticker import MaxNLocator

    numbers, is_log = _positions([trial.params[param.key] for trial in trials], param)
    ranks = _ranks([trial.params.get(other.key) for trial in trials])
    valued = {place for place, trial in enumerate(trials) if _value(trial) is not None}
    for state, marker in MARKERS.items():
        of_state = [place for place, trial in enumerate(trials) if trial.state == state]
        shown = [place for place in of_state if place in valued]
        colors = {"c": [ranks[place] for place in shown], "cmap": "viridis", "vmin": 0, "vmax": max(ranks, default=0)}
        values = [trials[place].value for place in shown]
        points = axes.scatter([numbers[place] for place in shown], values, marker=marker, s=28, **colors)
        if state == "complete" and other is not param:
            bar = axes.figure.colorbar(points, ax=axes, label=as_text(f"rank of {other.key}"), pad=0.01)
            bar.locator = MaxNLocator(integer=True)
        _mark_at_edge(axes, [numbers[place] for place in of_state if place not in valued], marker)
    axes.set(xlabel=as_text(param.key))
    _scale(axes, numbers, is_log)


def _scale(axes: Any, numbers: Sequence[Any], is_log: bool) -> None:
    """Choose scale and ticks of the horizontal axis."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

    if is_log:
        axes.set(xscale="log")
        if numbers and max(numbers) < NARROW * min(numbers):
            axes.xaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), major_formatter=StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    elif all(isinstance(number, int) for number in numbers):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    elif any(isinstance(number, str) for number in numbers):
        axes.tick_params("x", rotation=30)


def _draw_trials(axes: Any, study: StudyFacts, trials: Sequence[TrialFacts]) -> None:
    """Draw each trial's value over its number, and the best one so far."""
    for state, marker in MARKERS.items():
        shown = [trial for trial in trials if trial.state == state]
        points = np.array([(trial.number, trial.value) for trial in shown if _value(trial) is not None], float)
        color = INK if state == "complete" else FAINT
        label = f"{len(shown)} {state}" if shown and state != "failed" else None
        axes.plot(*points.reshape(-1, 2).T, marker, color=color, markersize=5, label=label)
        _mark_at_edge(axes, [trial.number for trial in shown if _value(trial) is None], marker)
    able = {trial.number for trial in study.ranked}
    values = [(trial.number, trial.value if trial.number in able else None) for trial in trials]
    failed = sum(trial.state == "failed" for trial in trials)
    _draw_curve(axes, best_so_far(values, study.mode), color=ACCENT)
    axes.set(xlabel=f"trial ({failed} failed, marked x)" if failed else "trial", title="best so far")
    if any(trial.state != "failed" for trial in trials):
        axes.legend()


def _mark_at_edge(axes: Any, numbers: Sequence[Any], marker: str) -> None:
    """Mark trials that have no value to draw at the lower edge."""
    place = {"transform": axes.get_xaxis_transform(), "clip_on": False}
    axes.scatter(numbers, [_EDGE] * len(numbers), marker=marker, color=ACCENT, s=28, **place)


def _value(trial: TrialFacts) -> float | None:
    """Return a value that can be drawn."""
    return trial.value if trial.value is not None and math.isfinite(trial.value) else None


def _positions(values: Sequence[Any], param: ParamFacts) -> tuple[list[Any], bool]:
    """Return numbers if all values are numbers, otherwise texts; and whether to draw them on a log scale."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return list(values), param.is_log or is_wide(values)
    return [as_text(show_value(value)) for value in values], False


def _ranks(values: Sequence[Any]) -> list[int]:
    """Return the place of each value among all: numbers by size, before texts."""
    keys = [(False, value, "") if isinstance(value, int | float) else (True, 0, str(value)) for value in values]
    order = {key: place for place, key in enumerate(sorted(set(keys)))}
    return [order[key] for key in keys]
