"""Studies on the recorded table of learning curves: random or TPE-like draws of its points, with or without pruning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from curve_table import BATCH_SIZES, DROPOUTS, LEARNING_RATES, NUM_EPOCHS, SEEDS, WIDTHS, CurveTable
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from simulated_studies import drawn_near, is_pruned

from tunesmith.insight.study_checks.trials import CheckedStudy, CheckedTrial

AXES: dict[str, Sequence[float]] = {
    "optimizer.lr": LEARNING_RATES,
    "data.batch_size": BATCH_SIZES,
    "model.hidden_units": WIDTHS,
    "model.dropout": DROPOUTS,
}
SPACE: dict[str, BaseDistribution] = {
    "optimizer.lr": FloatDistribution(LEARNING_RATES[0], LEARNING_RATES[-1], log=True),
    "data.batch_size": IntDistribution(BATCH_SIZES[0], BATCH_SIZES[-1], log=True),
    "model.hidden_units": IntDistribution(WIDTHS[0], WIDTHS[-1], log=True),
    "model.dropout": FloatDistribution(DROPOUTS[0], DROPOUTS[-1]),
}


def table_study(
    table: CurveTable, num_trials: int, draws: str, prunes: bool, rng: np.random.Generator, lrs: slice = slice(None)
) -> CheckedStudy:
    """Run a study; lrs: the learning rates of its space, all by default. The seed of each trial is another one."""
    axes = {**AXES, "optimizer.lr": LEARNING_RATES[lrs]}
    ends = axes["optimizer.lr"]
    space = {**SPACE, "optimizer.lr": FloatDistribution(ends[0], ends[-1], log=True)}
    curves = table.val_loss[lrs]
    trials: list[CheckedTrial] = []
    points: list[dict[str, float]] = []
    for number in range(num_trials):
        points.append(drawn_near(draws, list(axes), trials, points, rng))
        index = {key: round(points[-1][key] * (len(values) - 1)) for key, values in axes.items()}
        curve = curves[(*index.values(), rng.integers(len(SEEDS)))].astype(np.float64)
        params: dict[str, Any] = {key: axes[key][place] for key, place in index.items()}
        others = trials if prunes else []
        end = next((epoch for epoch in range(6, NUM_EPOCHS) if is_pruned(epoch, curve, others)), None)
        reports = dict(enumerate(map(float, curve[:end]), start=1))
        state = "complete" if end is None else "pruned"
        trials.append(CheckedTrial(number, state, min(reports.values()), params, reports, len(reports)))
    return CheckedStudy(trials, space, n_trials=num_trials, max_epochs=NUM_EPOCHS, epochs_key="trainer.max_epochs")
