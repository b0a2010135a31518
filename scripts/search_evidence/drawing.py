"""The picture of docs/search.md: what each search has found, over trials and over epochs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from evidence import Floats, Progress
from matplotlib import colormaps
from matplotlib.figure import Figure


def draw(path: Path, runs: Mapping[str, Sequence[Progress]], max_epochs: int) -> None:
    """Draw the median over the repeats of the best value seen, over trials and epochs, and of its true value."""
    figure = Figure(figsize=(15, 4.6), layout="constrained")
    by_trial, by_epoch, true = figure.subplots(1, 3, sharey=True)
    lines = {name: repeats for name, repeats in runs.items() if len(repeats[0].epochs) > 1}
    epochs = np.linspace(30, max_epochs, 200)
    for number, (name, repeats) in enumerate(lines.items()):
        style = {"label": name, "color": colormaps["tab20"](number), "linewidth": 1.8}
        num = min([100, *(len(each.seen) for each in repeats)])
        by_trial.plot(range(1, num + 1), np.median([each.seen[:num] for each in repeats], axis=0), **style)
        spent = epochs[epochs <= np.median([each.epochs[-1] for each in repeats])]
        by_epoch.plot(spent, np.median([_over(spent, each, each.seen) for each in repeats], axis=0), **style)
        true.plot(spent, np.median([_over(spent, each, each.true) for each in repeats], axis=0), **style)
    by_trial.set(xlabel="trials", ylabel="validation loss", title="best seen", ylim=(0.03, 0.12))
    by_epoch.set(xlabel="epochs", title="best seen")
    true.set(xlabel="epochs", title="the chosen point, mean over seeds")
    for axes in (by_trial, by_epoch, true):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    true.legend(fontsize=8)
    figure.savefig(path, dpi=110)


def _over(epochs: Floats, progress: Progress, values: Floats) -> Floats:
    """Return the values as they were after so many epochs; before the first trial has ended, infinite."""
    index = np.searchsorted(progress.epochs, epochs, side="right") - 1
    return np.where(index < 0, np.inf, values[np.maximum(index, 0)])
