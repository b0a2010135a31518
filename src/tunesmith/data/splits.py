"""Arrays -> training, validation and test part."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tunesmith.data.arrays import Arrays, Source
from tunesmith.data.preflight import check_classes, check_splits
from tunesmith.data.preparation import Index, prepare
from tunesmith.errors import UserError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Split:
    """inputs: (samples, *input_shape) float32; targets: (samples,) int64 or float32."""

    inputs: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> Split:
        return Split(self.inputs.to(device), self.targets.to(device))

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class SplitConfig:
    """How a data set is cut and prepared; stratified where there are classes.

    val_fraction, test_fraction: of all samples, in (0, 1).
    test_fraction None: the data's own test part; val_fraction is then of the other samples.
    folds, fold: what the test part leaves is cut into so many, of which `fold` (from 0) validates; None: no folds.
    fraction: of the training part that is used, in (0, 1].
    scale, missing: see tunesmith.data.preparation.
    scale_targets: whether numbers to predict are standardised.
    """

    val_fraction: float
    test_fraction: float | None
    seed: int
    folds: int | None
    fold: int | None
    fraction: float
    scale: str
    scale_targets: bool
    missing: str


@dataclass(frozen=True)
class Splits:
    """The three parts, and what a model and a report need to know of the data.

    classes: names, none for numbers; target = target_scale * training target + target_mean.
    """

    train: Split
    val: Split
    test: Split
    classes: tuple[str, ...]
    target_mean: float = 0.0
    target_scale: float = 1.0


def load_splits(source: Source, split: SplitConfig) -> Splits:
    """Return the parts of a source; one copy a process, however many trials ask.

    Raises:
        UserError: the data cannot be trained on as it is cut.
    """
    _check_source(source)
    return _load_parts(source, split)


def _check_source(source: Source) -> None:
    name = type(source).__qualname__
    if not callable(getattr(source, "load", None)):
        raise UserError(f"data.source must have a method load; got {name}, which has none")
    if type(source).__eq__ is object.__eq__ or type(source).__hash__ is None:
        raise UserError(f"data.source must be a frozen dataclass, which tells equal sources; got {name}")
    try:
        hash(source)
    except TypeError as error:
        raise UserError(f"data.source must have fields that can be compared; got {name} ({error})") from None


@lru_cache(maxsize=2)
def _load_parts(source: Source, split: SplitConfig) -> Splits:
    """Keep the arrays themselves only where each fold is cut out of them anew."""
    arrays = _load(source) if split.folds is None else _load_once(source)
    train, val, test = _indices(arrays, split)
    inputs, lines = prepare(arrays, train, split.scale, split.missing)
    targets, mean, scale = _targets(arrays, train, split.scale_targets)
    lines += check_splits(arrays, inputs, (train, val, test), split.scale)
    if not split.fold:  # what is said of the first fold holds for the others
        for line in lines:
            log.warning("data: %s", line)
    tensors = torch.from_numpy(inputs), torch.from_numpy(targets)
    train_part, val_part, test_part = (Split(*(tensor[index] for tensor in tensors)) for index in (train, val, test))
    classes = tuple(arrays.class_name(place) for place in range(arrays.num_classes))
    return Splits(train_part, val_part, test_part, classes, mean, scale)


def _load(source: Source) -> Arrays:
    arrays = source.load()
    if not isinstance(arrays, Arrays):
        raise UserError(f"data.source must return Arrays; got {type(arrays).__qualname__}")
    check_classes(arrays)
    return arrays


_load_once = lru_cache(maxsize=1)(_load)


def _indices(arrays: Arrays, split: SplitConfig) -> tuple[Index, Index, Index]:
    rest, test = _cut_test(arrays, split)
    train, val = _cut_fold(arrays, rest, split) if split.folds else _cut_val(arrays, rest, split)
    if split.fraction < 1:
        keep = f"data.fraction={split.fraction}"
        train, _ = _cut(arrays, train, {"train_size": split.fraction}, split.seed, keep)
    return train, val, test


def _cut_test(arrays: Arrays, split: SplitConfig) -> tuple[Index, Index]:
    everything = np.arange(len(arrays.inputs))
    if split.test_fraction is not None:
        if split.folds is None and split.val_fraction + split.test_fraction >= 1:
            both = f"{split.val_fraction} + {split.test_fraction}"
            raise UserError(f"data.val_fraction + data.test_fraction must be < 1, to leave a training part; got {both}")
        sizes = {"test_size": _size(split.test_fraction, len(everything))}
        return _cut(arrays, everything, sizes, split.seed, _fractions(split))
    if arrays.num_test == 0:
        raise UserError("data.test_fraction must be a number in (0, 1) where the data has no test part; got null")
    return everything[: -arrays.num_test], everything[-arrays.num_test :]


def _cut_val(arrays: Arrays, rest: Index, split: SplitConfig) -> tuple[Index, Index]:
    """Cut off val_fraction of all samples, or of the rest where the data brought its test part along."""
    whole = len(rest) if split.test_fraction is None else len(arrays.inputs)
    return _cut(arrays, rest, {"test_size": _size(split.val_fraction, whole)}, split.seed, _fractions(split))


def _size(fraction: float, whole: int) -> int:
    """Return a fraction in samples, rounded up; 0.3 of 200 is 60, whatever binary fractions say."""
    return ceil(round(fraction * whole, 6))


def _cut_fold(arrays: Arrays, rest: Index, split: SplitConfig) -> tuple[Index, Index]:
    from sklearn.model_selection import KFold, StratifiedKFold

    assert split.folds is not None
    assert split.fold is not None
    kind = StratifiedKFold if arrays.has_classes else KFold
    smallest = np.bincount(arrays.targets[rest]).min() if arrays.has_classes else len(rest)
    if smallest < split.folds:
        what = "samples in its smallest class" if arrays.has_classes else "samples"
        raise UserError(f"data.folds must leave each fold a sample; got {split.folds} for {smallest} {what}")
    folds = kind(split.folds, shuffle=True, random_state=split.seed).split(rest, arrays.targets[rest])
    train, val = list(folds)[split.fold]
    return rest[train], rest[val]


def _cut(arrays: Arrays, index: Index, sizes: Mapping[str, float], seed: int, what: str) -> tuple[Index, Index]:
    from sklearn.model_selection import train_test_split

    classes = arrays.targets[index] if arrays.has_classes else None
    try:
        first, second = train_test_split(index, **sizes, random_state=seed, stratify=classes)
    except ValueError as error:
        raise UserError(f"{what} do not fit {len(index)} samples: {' '.join(str(error).split())}") from None
    return first, second


def _fractions(split: SplitConfig) -> str:
    return f"data.val_fraction={split.val_fraction} data.test_fraction={split.test_fraction}"


def _targets(arrays: Arrays, train: Index, is_scaled: bool) -> tuple[NDArray[np.generic], float, float]:
    """Return the targets to train on, and the mean and scale that lead back from numbers."""
    if arrays.has_classes or not is_scaled:
        return arrays.targets, 0.0, 1.0
    mean = float(arrays.targets[train].mean(dtype=np.float64))
    scale = float(arrays.targets[train].std(dtype=np.float64)) or 1.0
    return ((arrays.targets - mean) / scale).astype(np.float32), mean, scale
