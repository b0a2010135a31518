"""What is done to the targets of a data set before training: chosen, and scaled if they are numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tunesmith.data.arrays import Arrays, Values
from tunesmith.data.mapped import Index, Mapped
from tunesmith.data.mapped_preparation import check_whole, mean_and_scale
from tunesmith.data.scaling import Scaling, loses_digits, mean_and_deviation, to_float32
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


def fit_target_scale(arrays: Arrays, train: Index, is_scaled: bool) -> tuple[float, float]:
    """Return the mean and scale of the training part's targets; 0 and 1 if they keep their values.

    All numbers of a target share one mean and one scale, so that an error in the data's units stays one number.
    Several labels a sample, which are 0 or 1, keep their values: a loss reads them as probabilities.
    """
    if arrays.has_classes or not is_scaled or not arrays.targets.size or are_labels(arrays):
        return 0.0, 1.0
    return _mean_and_scale(arrays.targets, train)


def scale_targets(arrays: Arrays, mean: float, scale: float) -> Values | Mapped:
    """Return the targets to train on; target = scale * training target + mean."""
    targets = arrays.targets
    if arrays.has_classes:
        return targets
    scaling = Scaling(np.array(mean), np.array(scale)) if (mean, scale) != (0.0, 1.0) else None
    convert = to_float32 if scaling is None else scaling.apply
    if isinstance(targets, Mapped):
        return targets.then(check_whole).then(convert, np.float32)
    return convert(targets)


def coarse_targets(arrays: Arrays, train: Index, mean: float) -> list[str]:
    """Return a line if float32 cannot tell numbers to predict apart; mean: what is taken off them before."""
    if arrays.has_classes or isinstance(arrays.targets, Mapped) or arrays.targets.dtype == np.float32:
        return []
    values = arrays.targets[train].reshape(len(train), -1)
    if not values.size or not loses_digits(values, mean).any():
        return []
    way_out = "data.scale_targets=true keeps them" if mean == 0 else "predict them one at a time, or their differences"
    return [f"targets are so large, up to {np.abs(values).max():.4g}, that their differences lose digits; {way_out}"]


def are_labels(arrays: Arrays) -> bool:
    """Tell whether a target is several numbers of which each is 0 or 1."""
    if arrays.has_classes or arrays.targets.ndim == 1:
        return False
    chunks = arrays.targets.chunks() if isinstance(arrays.targets, Mapped) else (arrays.targets,)
    return all(bool(((chunk == 0) | (chunk == 1)).all()) for chunk in chunks)


def _mean_and_scale(targets: Values | Mapped, train: Index) -> tuple[float, float]:
    if isinstance(targets, Mapped):
        return mean_and_scale(targets.then(check_whole), train)
    mean, scale = mean_and_deviation([targets[train].reshape(-1, 1)])
    return float(mean[0]), float(scale[0])
