"""How much each parameter decides whether a trial is among the best: PED-ANOVA.

Watanabe et al., IJCAI 2023 (arxiv.org/abs/2304.10255), with conditional parameters as in arxiv.org/abs/2601.20800:
what Optuna's PedAnovaImportanceEvaluator computes. To import that one is to import scikit-learn, which takes 1.2 s of
CPU time, as long as all the rest of a page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tunesmith.insight.pages.param_scale import ParamScale

Floats = NDArray[np.float64]

# The part of the trials that are the best ones, and how many they are at least: the paper's, and Optuna's advice.
BEST_PART, MIN_BEST = 0.1, 5


def best_trials(losses: Sequence[float]) -> NDArray[np.bool_]:
    """Return which trials are among the best: a tenth of them, five at least, and those that tie with the last one."""
    values = np.asarray(losses, dtype=float)
    num_best = min(len(values), max(MIN_BEST, math.ceil(BEST_PART * len(values))))
    best: NDArray[np.bool_] = values <= np.sort(values)[num_best - 1]
    return best


def importances(
    scales: Sequence[ParamScale], params: Sequence[Mapping[str, object]], is_best: NDArray[np.bool_]
) -> dict[str, float]:
    """Return the importance of each parameter, the largest first; they sum to 1, or are all 0 if none has any.

    params: of each trial; is_best: (trials,).
    """
    found = {scale.key: _divergence(scale, params, is_best) for scale in scales}
    total = sum(found.values())
    shares = {key: value / total if total else 0.0 for key, value in found.items()}
    return dict(sorted(shares.items(), key=lambda pair: -pair[1]))


def _divergence(scale: ParamScale, params: Sequence[Mapping[str, object]], is_best: NDArray[np.bool_]) -> float:
    """Return how far the best trials' values of a parameter are from those of all trials that have it."""
    cells = [_cell(scale, values[scale.key]) if scale.key in values else None for values in params]
    of_best = [cell for cell, best in zip(cells, is_best, strict=True) if best and cell is not None]
    of_all = [cell for cell in cells if cell is not None]
    if not of_best or len(of_all) < 2:
        return 0.0
    best, every = (_density(scale, cells) + 1e-12 for cells in (of_best, of_all))
    part_of_best, part_of_all = len(of_best) / is_best.sum(), len(of_all) / len(params)
    return float(part_of_best**2 / part_of_all * (every @ (best / every - 1) ** 2))


def _cell(scale: ParamScale, value: object) -> int | None:
    """Return the cell of a value, the lower one if it lies between two; None if the scale has one place only."""
    place, (low, high) = scale.place(value), scale.ends
    if place is None or low == high:
        return None
    cell = math.ceil(round((place - low) / (high - low) * (scale.num_cells - 1) - 0.5, 9))
    return min(max(cell, 0), scale.num_cells - 1)


def _density(scale: ParamScale, cells: Sequence[int]) -> Floats:
    """Return the part of the trials in each cell, smoothed: (cells,)."""
    counts = np.bincount(cells, minlength=scale.num_cells)
    return _smooth_choices(counts) if scale.choices else _smooth_numbers(counts)


def _smooth_choices(counts: NDArray[np.int64]) -> Floats:
    """Return the density over choices: each seen choice, and one prior that is uniform, has a kernel."""
    seen = np.flatnonzero(counts)
    kernels = np.full((len(seen) + 1, len(counts)), 1 / (len(seen) + 1))
    kernels[np.arange(len(seen)), seen] += 1
    kernels /= kernels.sum(axis=1, keepdims=True)
    weights = np.append(counts[seen], 1.0)
    density: Floats = weights / weights.sum() @ kernels
    return density


def _smooth_numbers(counts: NDArray[np.int64]) -> Floats:
    """Return the density over the cells of a range: a normal kernel in each cell that was seen, and a wide prior."""
    seen = np.flatnonzero(counts)
    width = max(_scott_width(seen, counts[seen]), 0.5 / 1.64)  # 90 % of a kernel in its own cell
    means = np.append(seen, (len(counts) - 1) / 2)
    widths = np.append(np.full(len(seen), width), len(counts))
    edges = (np.arange(len(counts) + 1) - 0.5 - means[:, None]) / widths[:, None]
    mass = np.vectorize(math.erf)(edges / math.sqrt(2))
    kernels = np.diff(mass, axis=1) / (mass[:, -1:] - mass[:, :1])
    weights = np.append(counts[seen], 1.0)
    density: Floats = weights / weights.sum() @ kernels
    return density


def _scott_width(seen: NDArray[np.int64], weights: NDArray[np.int64]) -> float:
    """Return Scott's width of a kernel (Multivariate Density Estimation, 1992), in cells."""
    total, cumulated = weights.sum(), np.cumsum(weights)
    mean = seen @ weights / total
    deviation = math.sqrt((seen - mean) ** 2 @ weights / max(1, total - 1))
    first, third = np.searchsorted(cumulated, total // 4), np.searchsorted(cumulated, total * 3 // 4, side="right")
    quartiles = float(seen[min(len(seen) - 1, third)] - seen[first])
    return float(1.059 * min(quartiles / 1.34, deviation) * total**-0.2)
