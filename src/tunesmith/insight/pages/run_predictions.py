"""What a run's best weights predict: confusion matrix and report of classes, table of labels, residuals of numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunesmith.insight.class_counts import (
    FEW_CLASSES,
    MANY_CLASSES,
    confusion,
    most_confused,
    scores,
    shares_of_rows,
)
from tunesmith.insight.pages.figures import FAINT, INK, Spec, axis, label, layout
from tunesmith.insight.pages.page import Figure, Section, folded, missing, sentence, table
from tunesmith.insight.pages.run_facts import RunFacts
from tunesmith.insight.part_outputs import CLASSES, LABELS, PartOutputs, residual_bins

MAX_POINTS = 3000
# Opaque: plotly chooses the colour of a cell's text by that of the cell.
_SHARES = [[0, "#eef2f7"], [1, INK]]
_WORDS = {"val": "Validation part", "test": "Test part"}


def predictions(facts: RunFacts) -> Section:
    """Draw what the model puts out against what is true, for the validation part and, once evaluated, the test part."""
    parts = {name: part for name, part in (("val", facts.val), ("test", facts.test_outputs)) if part is not None}
    body, figures = [] if facts.val is not None else [_not_kept(facts)], []
    for name, part in parts.items():
        body.append(_words(name, part))
        figures += (
            _confusion(name, part) if part.kind == CLASSES else _residuals(name, part) if part.kind != LABELS else []
        )
    tail = "".join(_report(facts, name, part) for name, part in parts.items())
    return Section("predictions", "Predictions", "".join(body), figures, tail=tail)


def _not_kept(facts: RunFacts) -> str:
    if facts.is_trial:
        why = "A trial of a sweep does not keep its outputs for the validation part; a plain run does."
    elif not facts.result:
        why = "The outputs of the validation part are kept at the end of a run."
    elif facts.result.get("value") is None:
        why = "The run has no best epoch, so that there are no outputs to show."
    elif "folds" in facts.result:
        why = "With data.folds the folds validate on different parts: their outputs are not kept."
    else:
        why = (
            "No outputs of the validation part are kept. A plain run keeps them at its end with report=true on one "
            "device, if learner and data are tunesmith's own and a target is one class, or up to 100 labels or numbers."
        )
    can_evaluate = facts.test_outputs is None and facts.result.get("value") is not None
    return missing(f"{why} Those of the test part come with: {facts.evaluate_command}" if can_evaluate else why)


def _words(name: str, part: PartOutputs) -> str:
    kept = (
        "" if part.num_samples == len(part.indices) else f", of which {len(part.indices)} evenly spread ones are kept"
    )
    words = f"{_WORDS[name]}, {part.num_samples} samples{kept}"
    if part.kind == CLASSES:
        return sentence(f"{words}: {float((part.predicted == part.true).mean()):.2%} right.")
    if part.kind == LABELS:
        return sentence(f"{words}, a label holds if its probability is above 0.5.")
    errors = part.outputs - part.targets
    rmse, mean = float(np.sqrt(np.square(errors).mean())), float(errors.mean())
    return sentence(f"{words}: root mean squared error {rmse:.4g}, mean error {mean:.2g}, in the unit of the target.")


def _confusion(name: str, part: PartOutputs) -> list[Figure]:
    if len(part.classes) > MANY_CLASSES:
        return []
    counts = confusion(part.true, part.predicted, len(part.classes))
    names = [label(each, 24) for each in part.classes]
    ticks: Spec = {"tickvals": list(range(len(names))), "ticktext": names, "showgrid": False}
    trace: Spec = {
        "type": "heatmap",
        "z": shares_of_rows(counts).tolist(),
        "text": counts.tolist(),
        "zmin": 0,
        "zmax": 1,
        "customdata": [[f"true {true}<br>predicted {other}" for other in names] for true in names],
        "showscale": True,
        "colorscale": _SHARES,
        "colorbar": {"title": {"text": "share", "side": "right"}},
        "hovertemplate": "%{customdata}<br>%{text} samples, %{z:.1%} of the true class<extra></extra>",
    }
    if len(names) <= FEW_CLASSES:
        trace["texttemplate"] = "%{text}"
    spec = layout(
        axis("predicted", **ticks),
        axis("true", autorange="reversed", **ticks),
        title={"text": f"{_WORDS[name]}: a row per true class", "font": {"size": 13}},
    )
    height = 150 + max(220, 26 * len(names))
    figure = {"data": [trace], "layout": spec}
    return [Figure(f"confusion-{name}", figure, height, label=f"confusion matrix of the {name} part", is_half=True)]


def _residuals(name: str, part: PartOutputs) -> list[Figure]:
    shown = np.linspace(0, len(part.indices) - 1, min(MAX_POINTS, len(part.indices))).astype(int)
    true, predicted = part.targets[shown].ravel(), part.outputs[shown].ravel()
    true, predicted = true[:MAX_POINTS], predicted[:MAX_POINTS]
    of = np.repeat(part.indices[shown], part.targets.shape[1])[:MAX_POINTS]
    ends = [float(part.targets.min()), float(part.targets.max())]
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": true.tolist(),
        "y": predicted.tolist(),
        "customdata": of.tolist(),
        "marker": {"size": 5, "color": INK, "opacity": 0.6},
        "showlegend": False,
        "hovertemplate": "sample %{customdata}<br>true %{x:.5g}<br>predicted %{y:.5g}<extra></extra>",
    }
    line = {"type": "scatter", "mode": "lines", "x": ends, "y": ends, "line": {"color": FAINT, "dash": "dash"}}
    spec = layout(
        axis("true"), axis("predicted"), title=_title(name, "predicted against true", len(true), part.targets.size)
    )
    both = {"data": [points, {**line, "showlegend": False, "hoverinfo": "skip"}], "layout": spec}
    return [
        Figure(f"predicted-{name}", both, 380, label="predicted against true", is_half=True),
        Figure(f"residuals-{name}", _histogram(name, part), 380, label="histogram of residuals", is_half=True),
    ]


def _histogram(name: str, part: PartOutputs) -> Spec:
    counts, edges = residual_bins(part)
    bars = {
        "type": "bar",
        "x": ((edges[1:] + edges[:-1]) / 2).tolist(),
        "y": counts.tolist(),
        "width": np.diff(edges).tolist(),
        "marker": {"color": INK},
        "hovertemplate": "%{x:.4g}<br>%{y}<extra></extra>",
    }
    residual = axis("residual: predicted minus true")
    return {"data": [bars], "layout": layout(residual, axis("count"), title=_title(name, "residuals"))}


def _title(name: str, what: str, shown: int = 0, of: int = 0) -> Spec:
    thinned = f" ({shown} of {of} points)" if shown < of else ""
    return {"text": f"{_WORDS[name]}: {what}{thinned}", "font": {"size": 13}}


def _report(facts: RunFacts, name: str, part: PartOutputs) -> str:
    if part.kind == LABELS:
        return _fold(name, "labels", _label_table(part, facts.label_names(part.outputs.shape[1])))
    if part.kind != CLASSES:
        return ""
    head = ""
    if len(part.classes) > MANY_CLASSES:
        pairs = [
            (part.classes[true], part.classes[other], num)
            for true, other, num in most_confused(part.true, part.predicted)
        ]
        head = sentence(f"{len(part.classes)} classes are too many for a matrix; confused most often:")
        head += table(("true", "predicted", "samples"), pairs)
    return head + _fold(name, "classification report", _class_table(part))


def _fold(name: str, what: str, body: str) -> str:
    return folded(f"{_WORDS[name]}: {what}", body)


def _class_table(part: PartOutputs) -> str:
    of_classes, support = scores(part.true, part.predicted, len(part.classes))
    rows = [
        _score_row(name, row, num)
        for name, row, num in zip(part.classes, of_classes.tolist(), support.tolist(), strict=True)
    ]
    total = int(support.sum())
    rows.append(_score_row("macro average", of_classes.mean(0).tolist(), total))
    rows.append(_score_row("weighted average", np.average(of_classes, axis=0, weights=support).tolist(), total))
    return table(("class", "precision", "recall", "F1", "samples"), rows)


def _score_row(name: str, values: Sequence[float], num: int) -> list[object]:
    return [name, *(f"{value:.3f}" for value in values), num]


def _label_table(part: PartOutputs, names: Sequence[str]) -> str:
    rows: list[list[object]] = []
    for place, name in enumerate(names):
        true, predicted = ((each[:, place] > 0.5).astype(np.int64) for each in (part.targets, part.outputs))
        of_both, support = scores(true, predicted, 2)
        rows.append(_score_row(name, of_both[1].tolist(), int(support[1])))
    return table(("label", "precision", "recall", "F1", "samples that have it"), rows)
