"""What happens in each layer over the epochs, from layers.csv: update ratio and dead share as strips."""

from __future__ import annotations

import math
from collections.abc import Callable

from tunesmith.insight.pages.figures import COLORSCALE, Spec, axis, label, layout
from tunesmith.insight.pages.page import Figure, Section, missing, sentence
from tunesmith.insight.pages.run_facts import RunFacts

RATIO, DEAD = "update_ratio", "dead_share"
# Rows of pixels of one layer in a strip.
_ROW = 22


def layers(facts: RunFacts) -> Section:
    """Draw the update ratio and the dead share of each layer over the epochs."""
    figures = [figure for figure in (_ratio(facts), _dead(facts)) if figure is not None]
    if not figures:
        body = missing("No layers.csv: the run has no probes of its layers (probes=true measures each epoch).")
        return Section("layers", "Layers", body)
    words = (
        "Update ratio: the size of an update over that of the weights, as log10; about -3 is usual (Karpathy, CS231n). "
        "Dead share: units that are never active, or always saturated. White: not measured at that epoch."
    )
    return Section("layers", "Layers", sentence(words), figures)


def _ratio(facts: RunFacts) -> Figure | None:
    cells = _cells(facts, RATIO, lambda value: math.log10(value) if value > 0 else None)
    bar = {"title": {"text": "log10", "side": "right"}}
    return _strip("update-ratio", "update ratio (log10)", cells, {"zmin": -5, "zmax": -1, "colorbar": bar})


def _dead(facts: RunFacts) -> Figure | None:
    cells = _cells(facts, DEAD, lambda value: value)
    return _strip("dead-share", "dead share", cells, {"zmin": 0, "zmax": 1, "colorbar": {"title": {"text": "share"}}})


def _cells(facts: RunFacts, column: str, scaled: Callable[[float], float | None]) -> dict[str, dict[int, float | None]]:
    """Return layer -> epoch -> value."""
    cells: dict[str, dict[int, float | None]] = {}
    for row in facts.layers:
        try:
            epoch, value = int(row["epoch"]), float(row[column])
        except (KeyError, TypeError, ValueError):  # an empty cell, or a torn row
            continue
        cells.setdefault(str(row.get("layer")), {})[epoch] = scaled(value) if math.isfinite(value) else None
    return cells


def _strip(name: str, title: str, cells: dict[str, dict[int, float | None]], look: Spec) -> Figure | None:
    if not cells:
        return None
    epochs = sorted({epoch for row in cells.values() for epoch in row})
    # Epochs that were left out stay white: each has a column of its own.
    every = list(range(epochs[0], epochs[-1] + 1)) if epochs[-1] - epochs[0] < 2000 else epochs
    names = [label(layer, 32) for layer in cells]
    trace = {
        **{"type": "heatmap", "x": every, "y": list(range(len(cells))), "colorscale": COLORSCALE, "hoverongaps": False},
        **{"z": [[row.get(epoch) for epoch in every] for row in cells.values()], **look},
        **{"text": [[layer] * len(every) for layer in names]},
        "hovertemplate": f"%{{text}}<br>epoch %{{x}}<br>{title} %{{z:.3g}}<extra></extra>",
    }
    ticks: Spec = {"tickvals": list(range(len(names))), "ticktext": names, "autorange": "reversed", "showgrid": False}
    spec = layout(axis("epoch", showgrid=False), axis("", **ticks), title={"text": title, "font": {"size": 13}})
    height = 110 + _ROW * len(cells)
    return Figure(name, {"data": [trace], "layout": spec}, height, label=title, is_half=True)
