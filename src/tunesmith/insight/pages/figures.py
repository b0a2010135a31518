"""What the figures of all pages have in common: colours, axes, texts, layout. Figures are plain dicts of plotly's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from tunesmith.errors import printable

# Readable on white and on near black.
INK, ACCENT, FAINT, GOOD, WARN = "#3b7dd8", "#e0632b", "#8b939d", "#2e9b6a", "#c98a12"
# Of a trial's state, everywhere.
STATES = {"complete": INK, "pruned": FAINT, "failed": ACCENT, "running": GOOD, "infeasible": WARN, "best": ACCENT}
COLORSCALE = "Viridis"
# Of marks, which stand alone on white or on near black.
MARK_COLORS: list[tuple[float, str]] = [(0, "#5b6ee1"), (0.33, "#2a9db5"), (0.67, "#4fb35a"), (1, "#e0a526")]
# Values that span more than this factor are drawn on a log scale, as in plots.py.
LOG_FROM = 30
MAX_TEXT = 60

Spec = dict[str, Any]


def label(value: object, length: int = MAX_TEXT) -> str:
    """Return a user's text as plotly shows it: its middle left out if it is long, and escaped.

    Plotly reads markup, and a formula between two dollars, but no &quot;.
    """
    words = printable(str(value))
    if len(words) > length:
        words = f"{words[: length * 2 // 3]}...{words[-(length // 3 - 3) :]}"
    return escape(words, quote=False).replace("$", "&#36;")


def number(value: float | None) -> str:
    """Return a value as all pages show it."""
    return "-" if value is None else f"{value:.6g}"


def duration(seconds: float | None) -> str:
    """Return a time as all pages show it."""
    if seconds is None or not math.isfinite(seconds):
        return "-"
    if seconds < 100:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def panel_of(metric: str) -> str:
    """Return a metric's name without train/ or val/: both curves share one panel."""
    part, _, rest = metric.partition("/")
    return rest if part in ("train", "val") and rest else metric


def is_wide(values: Iterable[float | None]) -> bool:
    """Whether a log scale shows values better: they are positive and span more than LOG_FROM."""
    finite = [value for value in values if value is not None and math.isfinite(value)]
    return bool(finite) and min(finite) > 0 and max(finite) > LOG_FROM * min(finite)


def axis(title: str, is_log: bool = False, **more: Any) -> Spec:
    """Return an axis; title: a user's text, or ours."""
    kind = {"type": "log", "exponentformat": "power"} if is_log else {}
    words = {"text": label(title), "standoff": 8}
    return {"title": words, "automargin": True, "zeroline": False, **kind, **more}


def value_axis(title: str, values: Iterable[float | None], is_log: bool) -> Spec:
    """Return an axis of values, whose labels on a log scale are few enough to be read: 1, 2, 5 of three decades."""
    finite = [value for value in values if value is not None and math.isfinite(value) and value > 0]
    if not is_log or not finite:
        return axis(title, is_log)
    few = max(finite) < 1000 * min(finite)
    return axis(title, is_log, dtick="D2" if few else 1, tickformat="~g", exponentformat="none")


def layout(xaxis: Mapping[str, Any], yaxis: Mapping[str, Any], **more: Any) -> Spec:
    """Return the layout of a figure with one pair of axes."""
    common: Spec = {
        "font": {"size": 12, "family": "system-ui, 'DejaVu Sans', sans-serif"},
        "margin": {"l": 56, "r": 16, "t": 32, "b": 48},
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    }
    return {**common, "xaxis": dict(xaxis), "yaxis": dict(yaxis), **more}


def log_switch(is_log: bool, axis_name: str = "yaxis", prefix: str = "") -> dict[str, dict[str, Any]]:
    """Return the buttons of an axis, for Figure.switches; the first one is how the axis is drawn."""
    linear = {
        f"{prefix}linear": {f"{axis_name}.type": "linear", f"{axis_name}.autorange": True, f"{axis_name}.dtick": None}
    }
    log = {f"{prefix}log": {f"{axis_name}.type": "log", f"{axis_name}.autorange": True}}
    return {**log, **linear} if is_log else {**linear, **log}
