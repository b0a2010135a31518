"""Checks of a data set before the first step: errors for what cannot be trained on, warnings for what misleads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tunesmith.data.arrays import MOST, Arrays, Values
from tunesmith.data.cutting import is_in_time_order
from tunesmith.data.mapped import Index, Mapped
from tunesmith.data.scaling import loses_digits
from tunesmith.data.targets import are_labels
from tunesmith.errors import UserError, list_names

# Training, validation and test split need a sample of each class.
MIN_PER_CLASS = 3
# Largest class to smallest: beyond 4 to 1 the minority of two classes has less than a fifth of the samples.
IMBALANCE = 4
# One standard error of an accuracy near 90 % on 200 samples is 2.1 points, of an error's size on 200 numbers 5 %.
SMALL_VALIDATION = 200
# Features whose standard deviations differ by more than this factor learn at different speeds.
UNSCALED = 20


def check_samples(arrays: Arrays) -> None:
    """Raise UserError if the samples cannot be split: too few, all of one class, or a target that is not finite."""
    num = len(arrays.targets)
    if num < MIN_PER_CLASS:
        raise UserError(f"data must have a sample for each part, {MIN_PER_CLASS} at least; got {num}")
    if not arrays.has_classes:
        if isinstance(arrays.targets, Mapped):
            return  # checked when they are read
        unknown = int((~(np.abs(arrays.targets) <= MOST)).reshape(num, -1).any(axis=1).sum())
        if unknown:
            raise UserError(f"data must have a finite target for each sample; got {unknown} of {num} without one")
        return
    if not arrays.has_one_class:
        if arrays.num_classes < 2:
            raise UserError(f"data must have two classes or more to tell apart; got class {arrays.class_name(0)} alone")
        return
    counts = np.bincount(arrays.targets[:], minlength=arrays.num_classes)
    if (counts > 0).sum() < 2:
        only = arrays.class_name(int(counts.argmax()))
        raise UserError(f"data must have two classes or more to tell apart; got {num} samples of class {only}")
    for label in np.flatnonzero(counts < MIN_PER_CLASS):
        raise UserError(
            f"data must have {MIN_PER_CLASS} samples of each class at least, one a part; got {counts[label]} of class "
            f"{arrays.class_name(int(label))}; leave them out or join classes"
            + (" (or is it data.task=regression?)" if len(counts) > IMBALANCE else "")
        )


def check_splits(
    arrays: Arrays, inputs: Values | Mapped, indices: tuple[Index, Index, Index], scale: str, split: str = "random"
) -> list[str]:
    """Return a line for each finding about the splits.

    inputs: all prepared inputs; indices: of the samples of the training, validation and test split.
    scale, split: the keys of the data set.

    Raises:
        UserError: a split has no samples, or the training split lacks a class.
    """
    train, val, _ = indices
    for name, index in zip(("training", "validation", "test"), indices, strict=True):
        if len(index) == 0:
            raise UserError(f"data must leave the {name} part a sample; got none of {len(arrays.inputs)}")
    return [
        *_future(arrays, split),
        *_constant_columns(arrays, train),
        *_unknown_categories(arrays, indices),
        *_coarse(arrays, train, scale),
        *(_unscaled(inputs[train], scale) if isinstance(inputs, np.ndarray) and inputs.dtype == np.float32 else ()),
        *(_classes(arrays, indices) if arrays.has_one_class else ()),
        *(_small_validation(len(val), arrays.has_classes) if arrays.target_shape == () else _left_out(arrays)),
    ]


def _future(arrays: Arrays, split: str) -> Iterator[str]:
    if split == "time" and arrays.order is None and arrays.columns:
        yield (
            "nothing tells when a row was taken, so data.split=time takes the rows as they lie, the last ones for the "
            "test; data.split_column names a column to sort by"
        )
    if split == "random" and is_in_time_order(arrays):
        yield (
            "rows are in the order of their time, but parts are cut at random: a model is tested on the past of what "
            "it was trained on; data.split=time trains on the first rows and tests on the last"
        )


def _constant_columns(arrays: Arrays, train: Index) -> Iterator[str]:
    """Report constant columns of tables only: the border pixels of images are usually constant."""
    if not arrays.is_table or isinstance(arrays.inputs, Mapped):
        return
    rows = arrays.inputs[train]
    with np.errstate(invalid="ignore"):
        constant = np.flatnonzero(~((rows != rows[0]) & ~np.isnan(rows)).any(axis=0))
    if len(constant):
        yield f"{list_names(arrays.column(int(index)) for index in constant)} never varies in the training part"


def _unknown_categories(arrays: Arrays, indices: Sequence[Index]) -> Iterator[str]:
    """Report categories that a model has no input for, because the training part has none of them."""
    if not arrays.categories or isinstance(arrays.inputs, Mapped):
        return
    train, others = arrays.inputs[indices[0]], arrays.inputs[np.concatenate(indices[1:])]
    for index, names in arrays.categories.items():
        values = others[:, index]
        unknown = values[~np.isin(values, train[:, index]) & ~np.isnan(values)]
        if len(unknown):
            texts = list_names(repr(names[int(code)]) for code in np.unique(unknown))
            yield (
                f"column {arrays.column(index)} has {texts} in {len(unknown)} rows outside the training part, which "
                "has none of it: all its inputs are zero there"
            )


def _coarse(arrays: Arrays, train: Index, scale: str) -> Iterator[str]:
    """Report numbers so large that float32 cannot tell them apart, if nothing is taken off each feature before."""
    if scale not in ("none", "global") or isinstance(arrays.inputs, Mapped) or arrays.inputs.dtype != np.float64:
        return
    flat = arrays.inputs[train].reshape(len(train), -1)
    numbers = [index for index in range(flat.shape[1]) if index not in arrays.categories]
    known = np.nan_to_num(flat[:, numbers], nan=np.nan)
    lost = loses_digits(known, known.mean() if scale == "global" else 0.0)
    if lost.any():
        names = list_names(arrays.column(numbers[index]) for index in np.flatnonzero(lost))
        yield (
            f"inputs {names} are so large, up to {np.abs(known[:, lost]).max():.4g}, that their differences lose "
            f"digits with data.scale={scale}; data.scale=standard keeps them"
        )


def _unscaled(train: Values, scale: str) -> Iterator[str]:
    if scale != "none":
        return
    flat = train.reshape(len(train), -1)
    deviations = flat.std(axis=0, dtype=np.float64)
    flat, deviations = flat[:, deviations > 0], deviations[deviations > 0]
    if len(deviations) == 0:
        return
    largest, smallest = deviations.max(), deviations.min()
    is_table = train.ndim == 2
    if (is_table and largest > UNSCALED * smallest) or np.abs(flat).max() > UNSCALED:
        reach = f"values reach {np.abs(flat).max():.3g}, deviations {smallest:.3g} to {largest:.3g}"
        yield f"inputs are not scaled ({reach}); data.scale=standard mends it"


def _classes(arrays: Arrays, indices: Sequence[Index]) -> Iterator[str]:
    counts = [np.bincount(arrays.targets[index], minlength=arrays.num_classes) for index in indices]
    for name, of_split in zip(("training", "validation", "test"), counts, strict=True):
        absent = [arrays.class_name(int(label)) for label in np.flatnonzero(of_split == 0)]
        if absent and name == "training":
            raise UserError(
                f"data must leave the training part samples of each class; got none of {list_names(absent)}"
            )
        if absent:
            yield f"the {name} part has no sample of {list_names(absent)}"
    least, most = int(counts[0].argmin()), int(counts[0].argmax())
    if counts[0][most] > IMBALANCE * counts[0][least]:
        each = f"{counts[0][most]} of {arrays.class_name(most)}, {counts[0][least]} of {arrays.class_name(least)}"
        yield f"classes are out of balance ({each}); data.class_weights=balanced weighs them, accuracy alone misleads"


def _small_validation(num: int, has_classes: bool) -> Iterator[str]:
    """Report the standard error: sqrt(p (1 - p) / n) of an accuracy p, sqrt(2 / n) of a mean squared normal error."""
    if num >= SMALL_VALIDATION:
        return
    if has_classes:
        error = f"an accuracy near 90 % is {100 * np.sqrt(0.9 * 0.1 / num):.1f} points"
    else:
        error = f"a mean squared error is {100 * np.sqrt(2 / num):.0f} % of it"
    yield f"the validation part has {num} samples: one standard error of {error}; data.folds=5 validates on all"


def _left_out(arrays: Arrays) -> Iterator[str]:
    """Say what is not done for targets of more than one class or number."""
    if arrays.has_classes:
        yield (
            f"a target is many classes, of shape {arrays.target_shape}: parts are not stratified, the balance of "
            "classes is not checked"
        )
    elif arrays.targets.size and are_labels(arrays):
        yield (
            f"a target is many labels, 0 or 1, of shape {arrays.target_shape}: parts are not stratified, targets are "
            "not scaled; loss=bce trains on them as labels, another loss as numbers"
        )
