"""Pictures of range tests, runs and studies, drawn by matplotlib without a window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import printable
from tunesmith.run_folder import AXES

Rows = Sequence[Mapping[str, str]]

# A parameter whose values span more than this factor is drawn on a log scale.
LOG_FROM = 30
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
    with _picture(path, 1) as (axes,):
        axes.plot(lr, loss, color=FAINT, linewidth=1, label="loss of a batch")
        axes.plot(lr, smoothed, color=INK, linewidth=2, label="smoothed")
        if suggestion is not None:
            height = float(np.interp(np.log(suggestion), np.log(lr), smoothed))
            label = f"steepest descent: optimizer.lr={suggestion:g}"
            axes.plot([suggestion], [height], "o", color=ACCENT, markersize=9, label=label)
        axes.set(xscale="log", xlabel="learning rate", ylabel="training loss")
        axes.legend()


def save_curves(path: Path, runs: Mapping[str, Rows]) -> None:
    """Draw each metric over the epochs, a line per run; training and validation of one run share axes.

    runs: label -> rows of metrics.csv; a legend appears for up to MAX_LABELS runs.
    """
    metrics = list(runs.values())
    names = list(dict.fromkeys(name for rows in metrics for row in rows for name in row if name not in AXES))
    is_one = len(metrics) == 1
    panels = list(dict.fromkeys(_panel(name) if is_one else name for name in names))
    with _picture(path, len(panels)) as all_axes:
        for panel, axes in zip(panels, all_axes, strict=True):
            for name in (name for name in names if panel == (_panel(name) if is_one else name)):
                for number, (label, rows) in enumerate(runs.items()):
                    points = [(int(row["epoch"]), float(row[name])) for row in rows if row.get(name)]
                    color = {} if is_one else {"color": _shade(number, len(metrics))}
                    axes.plot(*np.array(points).reshape(-1, 2).T, label=_text(name if is_one else label), **color)
            axes.set(xlabel="epoch", title=_text(panel))
            if is_one or (axes is all_axes[0] and len(runs) <= MAX_LABELS):
                axes.legend()


def save_study(path: Path, trials: Sequence[Mapping[str, str]], params: Sequence[str], mode: str) -> None:
    """Draw the value over each parameter, coloured by the next parameter, and the best value so far.

    trials: the rows of trials.csv that have a value; mode: min or max.
    """
    values = [float(trial["value"]) for trial in trials]
    with _picture(path, len(params) + 1) as all_axes:
        for index, (param, axes) in enumerate(zip(params, all_axes, strict=False)):
            numbers, is_log = _numbers([trial[param] for trial in trials])
            other = params[(index + 1) % len(params)]
            shades, _ = _numbers([trial[other] for trial in trials])
            points = axes.scatter(numbers, values, c=_ranks(shades), cmap="viridis", s=24)
            axes.set(xlabel=_text(param), ylabel="value", **({"xscale": "log"} if is_log else {}))
            if isinstance(numbers[0], str):
                axes.tick_params("x", rotation=30)
            if other != param:
                axes.figure.colorbar(points, ax=axes, label=_text(f"rank of {other}"), pad=0.01)
        best = np.minimum.accumulate(values) if mode == "min" else np.maximum.accumulate(values)
        all_axes[-1].plot([int(trial["number"]) for trial in trials], values, "o", color=FAINT, markersize=4)
        all_axes[-1].step([int(trial["number"]) for trial in trials], best, where="post", color=ACCENT, linewidth=2)
        all_axes[-1].set(xlabel="trial", ylabel="value", title="best so far")


def _text(text: str) -> str:
    """Return a text as it is to be drawn: between two dollars matplotlib would read a formula, and end at a bad one."""
    return printable(text).replace("$", r"\$")


def _panel(name: str) -> str:
    """Return a metric's name without train/ or val/: both curves share one panel."""
    split, _, rest = name.partition("/")
    return rest if split in ("train", "val") else name


def _shade(number: int, total: int) -> tuple[float, ...]:
    from matplotlib import colormaps

    shade: tuple[float, ...] = colormaps["viridis"](number / max(1, total - 1))
    return shade


def _numbers(texts: Sequence[str]) -> tuple[list[Any], bool]:
    """Return numbers if all texts are numbers, otherwise the texts; and whether to draw them on a log scale."""
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return [_text(text) for text in texts], False
    return numbers, min(numbers) > 0 and max(numbers) > LOG_FROM * min(numbers)


def _ranks(values: Sequence[Any]) -> list[int]:
    order = sorted(set(values))
    return [order.index(value) for value in values]


@contextmanager
def _picture(path: Path, num_axes: int) -> Iterator[Any]:
    """Yield num_axes axes, MAX_ACROSS side by side at most; save them as one picture at the end."""
    from matplotlib.figure import Figure

    across, down = min(num_axes, MAX_ACROSS), -(-num_axes // MAX_ACROSS)
    figure = Figure(figsize=(5.6 * across, 4.2 * down), layout="constrained")
    axes = [figure.add_subplot(down, across, index + 1) for index in range(num_axes)]
    for each in axes:
        each.grid(alpha=0.3)
        each.spines[["top", "right"]].set_visible(False)
    yield axes
    figure.savefig(path, dpi=120)
