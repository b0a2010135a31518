"""What is done to the targets of a data set before training: chosen, and scaled if they are numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tunesmith.data.arrays import Arrays, Values
from tunesmith.data.mapped import Index, Mapped
from tunesmith.data.mapped_preparation import check_whole, mean_and_scale
from tunesmith.errors import UserError


def choose_targets(arrays: Arrays, chosen: str) -> Arrays:
    """Return the arrays without targets if each input is its own target (chosen: inputs), otherwise as they are.

    chosen: source | inputs.

    Raises:
        UserError: the source has no targets, and they are asked for.
    """
    if chosen == "inputs":
        return replace(arrays, targets=np.zeros((len(arrays.inputs), 0), np.float32), classes=())
    if 0 in arrays.target_shape:
        raise UserError(
            f"data must have a target for each sample; got inputs alone, {arrays.inputs.shape}; data.targets=inputs "
            "makes each input its own target"
        )
    return arrays


def scale_targets(arrays: Arrays, train: Index, is_scaled: bool) -> tuple[Values | Mapped, float, float]:
    """Return the targets to train on, and the mean and scale that lead back to the data's units.

    All numbers of a target share one mean and one scale, so that an error in the data's units stays one number.
    Several labels a sample, which are 0 or 1, keep their values: a loss reads them as probabilities.
    """
    targets = arrays.targets
    if isinstance(targets, Mapped) and targets.dtype == np.float32:
        targets = targets.then(check_whole)
    if arrays.has_classes or not is_scaled or not targets.size or are_labels(arrays):
        return targets, 0.0, 1.0
    if isinstance(targets, Mapped):
        mean, scale = mean_and_scale(targets, train)
        return targets.then(lambda rows: ((rows - mean) / scale).astype(np.float32)), mean, scale
    mean = float(targets[train].mean(dtype=np.float64))
    scale = float(targets[train].std(dtype=np.float64)) or 1.0
    return ((targets - mean) / scale).astype(np.float32), mean, scale


def are_labels(arrays: Arrays) -> bool:
    """Tell whether a target is several numbers of which each is 0 or 1."""
    if arrays.has_classes or arrays.targets.ndim == 1:
        return False
    chunks = arrays.targets.chunks() if isinstance(arrays.targets, Mapped) else (arrays.targets,)
    return all(bool(((chunk == 0) | (chunk == 1)).all()) for chunk in chunks)
