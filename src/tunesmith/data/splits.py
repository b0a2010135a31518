"""Arrays -> training, validation and test split."""

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
    """How a data set is cut and prepared; classes are stratified.

    val_fraction, test_fraction: of all samples, in (0, 1).
    test_fraction None: the data's own test part; val_fraction is then of the other samples.
    folds, fold: all but the test part is cut into `folds` folds; `fold` (from 0) validates; None: no folds.
    fraction: how much of the training part is used, in (0, 1].
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
    """The three splits, and what a model and a report need to know of the data.

    classes: names of the classes, empty for regression; target = target_scale * training target + target_mean.
    """

    train: Split
    val: Split
    test: Split
    classes: tuple[str, ...]
    target_mean: float = 0.0
    target_scale: float = 1.0


def load_splits(source: Source, config: SplitConfig) -> Splits:
    """Return the splits of a source; a process holds one copy, however many trials ask.

    Raises:
        UserError: the data cannot be trained on as it is cut.
    """
    _check_source(source)
    return _load_splits(source, config)


def _check_source(source: Source) -> None:
    name = type(source).__qualname__
    if not callable(getattr(source, "load", None)):
        raise UserError(f"data.source must have a method load; got {name}, which has none")
    if type(source).__eq__ is object.__eq__ or type(source).__hash__ is None:
        raise UserError(f"data.source must be a frozen dataclass, so that equal sources are recognised; got {name}")
    try:
        hash(source)
    except TypeError as error:
        raise UserError(f"data.source must have fields that can be compared; got {name} ({error})") from None


@lru_cache(maxsize=2)
def _load_splits(source: Source, config: SplitConfig) -> Splits:
    """Keep the arrays themselves only if there are folds: each fold is cut out of them anew."""
    arrays = _load(source) if config.folds is None else _load_once(source)
    indices = _indices(arrays, config)
    inputs, lines = prepare(arrays, indices[0], config.scale, config.missing)
    targets, mean, scale = _targets(arrays, indices[0], config.scale_targets)
    lines += check_splits(arrays, inputs, indices, config.scale)
    if not config.fold:  # the first fold's findings hold for the others
        for line in lines:
            log.warning("data: %s", line)
    tensors = torch.from_numpy(inputs), torch.from_numpy(targets)
    train, val, test = (Split(*(tensor[index] for tensor in tensors)) for index in indices)
    classes = tuple(arrays.class_name(label) for label in range(arrays.num_classes))
    return Splits(train, val, test, classes, mean, scale)


def _load(source: Source) -> Arrays:
    arrays = source.load()
    if not isinstance(arrays, Arrays):
        raise UserError(f"data.source must return Arrays; got {type(arrays).__qualname__}")
    check_classes(arrays)
    return arrays


_load_once = lru_cache(maxsize=1)(_load)


def _indices(arrays: Arrays, config: SplitConfig) -> tuple[Index, Index, Index]:
    rest, test = _cut_test(arrays, config)
    train, val = _cut_fold(arrays, rest, config) if config.folds else _cut_val(arrays, rest, config)
    if config.fraction < 1:
        keep = f"data.fraction={config.fraction}"
        train, _ = _cut(arrays, train, {"train_size": config.fraction}, config.seed, keep)
    return train, val, test


def _cut_test(arrays: Arrays, config: SplitConfig) -> tuple[Index, Index]:
    everything = np.arange(len(arrays.inputs))
    if config.test_fraction is not None:
        if config.folds is None and config.val_fraction + config.test_fraction >= 1:
            both = f"{config.val_fraction} + {config.test_fraction}"
            raise UserError(f"data.val_fraction + data.test_fraction must be < 1, to leave a training part; got {both}")
        sizes = {"test_size": _size(config.test_fraction, len(everything))}
        return _cut(arrays, everything, sizes, config.seed, _fractions(config))
    if arrays.num_test == 0:
        raise UserError("data.test_fraction must be a number in (0, 1) if the data has no test part; got null")
    return everything[: -arrays.num_test], everything[-arrays.num_test :]


def _cut_val(arrays: Arrays, rest: Index, config: SplitConfig) -> tuple[Index, Index]:
    """Cut off val_fraction of all samples, or of the rest if the data has its own test part."""
    whole = len(rest) if config.test_fraction is None else len(arrays.inputs)
    return _cut(arrays, rest, {"test_size": _size(config.val_fraction, whole)}, config.seed, _fractions(config))


def _size(fraction: float, whole: int) -> int:
    """Return a fraction of `whole` in samples, rounded up; 0.3 of 200 is 60 despite binary fractions."""
    return ceil(round(fraction * whole, 6))


def _cut_fold(arrays: Arrays, rest: Index, config: SplitConfig) -> tuple[Index, Index]:
    from sklearn.model_selection import KFold, StratifiedKFold

    assert config.folds is not None
    assert config.fold is not None
    kind = StratifiedKFold if arrays.has_classes else KFold
    smallest = np.bincount(arrays.targets[rest]).min() if arrays.has_classes else len(rest)
    if smallest < config.folds:
        what = "samples in its smallest class" if arrays.has_classes else "samples"
        raise UserError(f"data.folds must leave each fold a sample; got {config.folds} for {smallest} {what}")
    folds = kind(config.folds, shuffle=True, random_state=config.seed).split(rest, arrays.targets[rest])
    train, val = list(folds)[config.fold]
    return rest[train], rest[val]


def _cut(arrays: Arrays, index: Index, sizes: Mapping[str, float], seed: int, what: str) -> tuple[Index, Index]:
    from sklearn.model_selection import train_test_split

    classes = arrays.targets[index] if arrays.has_classes else None
    try:
        first, second = train_test_split(index, **sizes, random_state=seed, stratify=classes)
    except ValueError as error:
        raise UserError(f"{what} do not fit {len(index)} samples: {' '.join(str(error).split())}") from None
    return first, second


def _fractions(config: SplitConfig) -> str:
    return f"data.val_fraction={config.val_fraction} data.test_fraction={config.test_fraction}"


def _targets(arrays: Arrays, train: Index, is_scaled: bool) -> tuple[NDArray[np.generic], float, float]:
    """Return the targets to train on, and the mean and scale that lead back to the data's units."""
    if arrays.has_classes or not is_scaled:
        return arrays.targets, 0.0, 1.0
    mean = float(arrays.targets[train].mean(dtype=np.float64))
    scale = float(arrays.targets[train].std(dtype=np.float64)) or 1.0
    return ((arrays.targets - mean) / scale).astype(np.float32), mean, scale
