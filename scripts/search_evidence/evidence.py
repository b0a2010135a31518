"""What a replayed search has found when: its best value, and what the chosen point is worth over all seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from curve_table import CurveTable
from numpy.typing import NDArray
from replay import Ended

# Confirmation: the best few are trained with the seeds that the search has not had.
TOP = 5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Progress:
    """A search after each of its trials, (trials,) each.

    epochs: trained so far. seen: the best value of a complete trial so far. true: the mean over the table's seeds at
    the point of that trial; rank: how many of the table's points are better.
    """

    epochs: Floats
    seen: Floats
    true: Floats
    rank: Floats

    def at(self, n_trials: int | None = None, num_epochs: float | None = None) -> int:
        """Return the index of the last trial within a budget, in trials or in epochs."""
        inside = len(self.epochs) if num_epochs is None else int(np.searchsorted(self.epochs, num_epochs, side="right"))
        return max(0, min(inside, n_trials or inside) - 1)

    def epochs_to(self, seen: float) -> float:
        """Return the epochs until a trial was as good as this; infinite if none was."""
        return float(self.epochs[np.argmax(self.seen <= seen)]) if (self.seen <= seen).any() else np.inf


def true_values(table: CurveTable) -> Floats:
    """Return the best epoch's loss of each point, its mean over the seeds: the table's first four axes."""
    return table.val_loss.min(axis=-1).mean(axis=-1, dtype=np.float64)


def follow(trials: Sequence[Ended], true: Floats) -> Progress:
    """Follow the best trial so far; the first trials of a search are never all pruned."""
    seen, chosen, rows = np.inf, trials[0].point, []
    for trial in trials:
        if trial.value is not None and trial.value < seen:
            seen, chosen = trial.value, trial.point
        rows.append((seen, true[chosen], (true < true[chosen]).sum()))
    seen_values, true_values, ranks = np.array(rows, dtype=np.float64).T
    return Progress(np.cumsum([trial.num_epochs for trial in trials]).astype(float), seen_values, true_values, ranks)


def confirm(trials: Sequence[Ended], table: CurveTable, net_seed: int, true: Floats) -> Progress:
    """Return the end of a search whose best five points are trained with two more seeds, and ranked by their mean."""
    ended = [trial for trial in trials if trial.value is not None]
    points = list(dict.fromkeys(trial.point for trial in sorted(ended, key=lambda trial: trial.value or 0.0)))[:TOP]
    others = [seed for seed in range(table.val_loss.shape[-2]) if seed != net_seed]
    means = [table.val_loss[point][others].min(axis=-1).mean() for point in points]
    chosen = points[int(np.argmin(means))]
    epochs = sum(trial.num_epochs for trial in trials) + len(points) * len(others) * table.val_loss.shape[-1]
    values = (epochs, np.min(means), true[chosen], (true < true[chosen]).sum())
    return Progress(*(np.array([value], dtype=np.float64) for value in values))
