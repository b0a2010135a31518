"""Pictures of what a run's best weights predict, drawn by matplotlib without a window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tunesmith import run_folder
from tunesmith.insight.class_counts import FEW_CLASSES, MANY_CLASSES, confusion, shares_of_rows
from tunesmith.insight.pages.worst_samples import as_picture, says
from tunesmith.insight.part_outputs import CLASSES, NUMBERS, PartOutputs, read_part_outputs, residual_bins
from tunesmith.insight.plots import ACCENT, FAINT, INK, Target, as_text, picture, save_curves

Draw = Callable[[Target], None]


def run_pictures(folder: Path) -> dict[str, Draw]:
    """Return what can be drawn of a run's folder: curves, confusion or residuals, and worst -> who draws it.

    Raises:
        ValueError: val_outputs.npz is damaged.
    """
    draws: dict[str, Draw] = {}
    rows = run_folder.read_metrics(folder)
    if rows:
        draws["curves"] = lambda target: save_curves(target, {folder.name: rows})
    part = read_part_outputs(folder / run_folder.VAL_OUTPUTS_FILE)
    if part is None:
        return draws
    if part.kind == CLASSES and len(part.classes) <= MANY_CLASSES:
        draws["confusion"] = lambda target: save_confusion(target, part)
    if part.kind == NUMBERS:
        draws["residuals"] = lambda target: save_residuals(target, part)
    if part.pictures.ndim == 4 and part.kind == CLASSES:
        draws["worst"] = lambda target: save_worst(target, part)
    return draws


def save_confusion(target: Target, part: PartOutputs) -> None:
    """Draw the confusion matrix of the validation part: shares of the true class as colours, counts as numbers."""
    num = len(part.classes)
    counts = confusion(part.true, part.predicted, num)
    shares = shares_of_rows(counts)
    with picture(target, 1) as (axes,):
        axes.grid(visible=False)
        shown = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.figure.colorbar(shown, ax=axes, label="share of the true class", pad=0.02)
        names = [as_text(name[:20]) for name in part.classes]
        axes.set_xticks(range(num), names, rotation=90 if max(map(len, names)) > 3 else 0)
        axes.set_yticks(range(num), names)
        axes.set(xlabel="predicted", ylabel="true", title=f"validation part, {len(part.indices)} samples")
        for (true, predicted), count in np.ndenumerate(counts if num <= FEW_CLASSES else counts[:0]):
            color = "white" if shares[true, predicted] > 0.5 else "black"
            axes.text(predicted, true, count, ha="center", va="center", fontsize=7, color=color)


def save_residuals(target: Target, part: PartOutputs) -> None:
    """Draw predicted against true numbers of the validation part, and a histogram of the residuals."""
    true, predicted = part.targets.ravel(), part.outputs.ravel()
    with picture(target, 2) as (left, right):
        left.plot(true, predicted, "o", color=INK, markersize=3, alpha=0.5)
        ends = [true.min(), true.max()]
        left.plot(ends, ends, "--", color=FAINT)
        left.set(xlabel="true", ylabel="predicted", title=f"validation part, {len(part.indices)} samples")
        right.stairs(*residual_bins(part), color=INK, fill=True)
        right.axvline(0, color=ACCENT, linewidth=1)
        right.set(xlabel="residual: predicted minus true", ylabel="count")


def save_worst(target: Target, part: PartOutputs) -> None:
    """Draw the images of the validation part with the largest losses."""
    with picture(target, len(part.worst)) as all_axes:
        for axes, pixels, position in zip(all_axes, part.pictures, part.worst, strict=True):
            image = as_picture(pixels)
            axes.imshow(image, **({"cmap": "gray"} if image.ndim == 2 else {}))
            axes.set_axis_off()
            true, predicted, how = says(part, int(position))
            axes.set_title(as_text(f"{part.indices[position]}: true {true}, predicted {predicted} {how}"), fontsize=10)
