"""What happens in each layer over the epochs, from layers.csv: update ratio and dead share as strips."""

from __future__ import annotations

import math
from collections.abc import Callable

from tunesmith.insight.pages.figures import COLORSCALE, Spec, axis, label, layout
from tunesmith.insight.pages.page import Figure, Section, missing, sentence
from tunesmith.insight.pages.plain_values import finite
from tunesmith.insight.pages.run_facts import RunFacts, thinned

RATIO, DEAD = "update_ratio", "dead_share"
MAX_EPOCHS = 400
# Pixels of one layer's row in a strip; half of it if there are many.
_ROW, MANY_LAYERS = 26, 30


def layers(facts: RunFacts) -> Section:
    """Draw the update ratio and the dead share of each layer over the epochs."""
    figures = [figure for figure in (_ratio(facts), _dead(facts)) if figure is not None]
    if not figures:
        body = missing("No layers.csv: the run has no probes of its layers (probes=true measures each epoch).")
        return Section("layers", "Layers", body)
    words = (
        "Update ratio: the size of an update over that of the weights, as log10; about -3 is usual (Karpathy, CS231n). "
        "Dead share: units that are never active, or always saturated. "
        "Only epochs are shown that were measured"
    )
    measured = len({row.get("epoch") for row in facts.layers})
    words += f", {MAX_EPOCHS} of {measured}, evenly spread." if measured > MAX_EPOCHS else "."
    return Section("layers", "Layers", sentence(words), figures)


def _ratio(facts: RunFacts) -> Figure | None:
    cells = _cells(facts, RATIO, lambda value: math.log10(value) if value > 0 else None)
    return _strip("update-ratio", "update ratio (log10)", cells, {"zmin": -5, "zmax": -1})


def _dead(facts: RunFacts) -> Figure | None:
    cells = _cells(facts, DEAD, lambda value: value)
    return _strip("dead-share", "dead share", cells, {"zmin": 0, "zmax": 1})


def _cells(facts: RunFacts, column: str, scaled: Callable[[float], float | None]) -> dict[str, dict[int, float | None]]:
    """Return layer -> epoch -> value."""
    cells: dict[str, dict[int, float | None]] = {}
    for row in facts.layers:
        epoch, value = finite(row.get("epoch")), finite(row.get(column))
        if epoch is not None and row.get(column):
            cells.setdefault(str(row.get("layer")), {})[int(epoch)] = None if value is None else scaled(value)
    return cells


def _strip(name: str, title: str, cells: dict[str, dict[int, float | None]], look: Spec) -> Figure | None:
    if not cells:
        return None
    epochs = thinned(sorted({epoch for row in cells.values() for epoch in row}), MAX_EPOCHS)
    names = [label(layer, 32) for layer in cells]
    trace = {
        "type": "heatmap",
        "x": [str(epoch) for epoch in epochs],
        "y": list(range(len(cells))),
        "colorscale": COLORSCALE,
        "hoverongaps": False,
        "z": [[row.get(epoch) for epoch in epochs] for row in cells.values()],
        **look,
        "text": [[layer] * len(epochs) for layer in names],
        "hovertemplate": f"%{{text}}<br>epoch %{{x}}<br>{title} %{{z:.3g}}<extra></extra>",
    }
    ticks: Spec = {"tickvals": list(range(len(names))), "ticktext": names, "autorange": "reversed", "showgrid": False}
    spec = layout(
        axis("epoch", type="category", showgrid=False), axis("", **ticks), title={"text": title, "font": {"size": 13}}
    )
    height = 130 + len(cells) * (_ROW if len(cells) <= MANY_LAYERS else _ROW // 2)
    return Figure(name, {"data": [trace], "layout": spec}, height, label=title, is_half=True)
