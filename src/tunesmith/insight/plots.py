"""Pictures of range tests, runs and studies, drawn by matplotlib without a window."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import printable
from tunesmith.insight.pages.figures import is_wide, panel_of
from tunesmith.insight.pages.plain_values import finite
from tunesmith.run_folder import AXES, replacing

Rows = Sequence[Mapping[str, str]]
# Where a picture is written to: a file by its name, or one that is open.
Target = Path | BinaryIO

MAX_ACROSS, MAX_LABELS = 3, 8
INK, FAINT, ACCENT = "#1f4e79", "#9db8d2", "#c8452b"


def save_lr_curve(
    path: Path,
    lr: NDArray[np.float64],
    loss: NDArray[np.float64],
    smoothed: NDArray[np.float64],
    suggestion: float | None,
) -> None:
    """Draw a range test: loss over the learning rate, and the suggestion if there is one.

    lr, loss, smoothed: (steps,) each.
    """
    with picture(path, 1) as (axes,):
        axes.plot(lr, loss, color=FAINT, linewidth=1, label="loss of a batch")
        axes.plot(lr, smoothed, color=INK, linewidth=2, label="smoothed")
        if suggestion is not None:
            height = float(np.interp(np.log(suggestion), np.log(lr), smoothed))
            label = f"steepest descent: optimizer.lr={suggestion:g}"
            axes.plot([suggestion], [height], "o", color=ACCENT, markersize=9, label=label)
        axes.set(xscale="log", xlabel="learning rate", ylabel="training loss")
        axes.legend()


def save_curves(path: Target, runs: Mapping[str, Rows], dashed: Collection[str] = (), bold: str | None = None) -> None:
    """Draw each metric over the epochs, a line per run; training and validation of one run share axes.

    runs: label -> rows of metrics.csv; a legend appears for up to MAX_LABELS runs.
    dashed, bold: labels of pruned runs, and of the best one.
    """
    names = list(dict.fromkeys(name for rows in runs.values() for row in rows for name in row if name not in AXES))
    is_one = len(runs) == 1
    panels = list(dict.fromkeys(panel_of(name) if is_one else name for name in names))
    with picture(path, len(panels)) as all_axes:
        for panel, axes in zip(panels, all_axes, strict=True):
            shown = [name for name in names if panel == (panel_of(name) if is_one else name)]
            drawn = [_draw_metric(axes, name, runs, dashed, bold) for name in shown]
            axes.set(xlabel="epoch", title=as_text(panel))
            if is_wide(value for values in drawn for value in values):
                axes.set(yscale="log")
            if is_one or (axes is all_axes[0] and len(runs) <= MAX_LABELS):
                axes.legend()


def _draw_metric(
    axes: Any, name: str, runs: Mapping[str, Rows], dashed: Collection[str], bold: str | None
) -> list[float | None]:
    """Draw a metric of all runs; return the values."""
    drawn: list[float | None] = []
    for number, (label, rows) in enumerate(runs.items()):
        points = [(finite(row.get("epoch")), finite(row[name])) for row in rows if row.get(name)]
        color = {} if len(runs) == 1 else {"color": shade(number, len(runs))}
        style = {"linestyle": "--" if label in dashed else "-", "linewidth": 1.5}
        style |= {"linewidth": 3, "zorder": 3} if label == bold else {}
        text = as_text(name if len(runs) == 1 else label)
        axes.plot(*np.array(points, float).reshape(-1, 2).T, label=text, **style, **color)
        drawn += [value for _, value in points]
    return drawn


def as_text(text: str) -> str:
    """Return a text as it is to be drawn: between two dollars matplotlib would read a formula, and end at a bad one."""
    return printable(text).replace("$", r"\$")


def shade(number: int, total: int) -> tuple[float, ...]:
    from matplotlib import colormaps

    shade: tuple[float, ...] = colormaps["viridis"](number / max(1, total - 1))
    return shade


@contextmanager
def picture(path: Target, num_axes: int) -> Iterator[Any]:
    """Yield num_axes axes, MAX_ACROSS side by side at most; save them as one picture at the end, whole or not at all.

    Raises:
        MachineFault: the file cannot be written.
    """
    from matplotlib.figure import Figure

    across, down = min(num_axes, MAX_ACROSS), -(-num_axes // MAX_ACROSS)
    figure = Figure(figsize=(5.6 * across, 4.2 * down), layout="constrained")
    axes = [figure.add_subplot(down, across, index + 1) for index in range(num_axes)]
    for each in axes:
        each.grid(alpha=0.3)
        each.spines[["top", "right"]].set_visible(False)
    yield axes
    with replacing(path) if isinstance(path, Path) else nullcontext(path) as file:
        figure.savefig(file, dpi=120, format="png")
