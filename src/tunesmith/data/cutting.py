"""Which samples train, validate and test: indices of a data set's samples."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.arrays import Arrays
from tunesmith.data.mapped import Index
from tunesmith.data.random_split import split_at_random
from tunesmith.errors import UserError


@dataclass(frozen=True)
class SplitConfig:
    """How a data set is cut and prepared.

    val_fraction, test_fraction: of all samples, or of all groups, in (0, 1).
    test_fraction None: the data's own test part; val_fraction is then of the other samples.
    folds, fold: all but the test part is cut into `folds` folds; `fold` (from 0) validates; None: no folds.
    fraction: how much of the training part is used, in (0, 1].
    scale, missing: see tunesmith.data.preparation.
    scale_targets: whether numbers to predict are standardised.
    targets: source | inputs, where targets come from.
    split: random (stratified if a target is one class), time (train on the first samples, test on the last) or group
        (all samples of a group are in one part).
    train_on_val: whether all but the test part trains, and nothing validates.
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
    targets: str = "source"
    split: str = "random"
    train_on_val: bool = False


def cut(arrays: Arrays, config: SplitConfig) -> tuple[Index, Index, Index]:
    """Return the indices of the training, validation and test part.

    Raises:
        UserError: the samples cannot be cut so.
    """
    _check_split(arrays, config)
    rest, test = _cut_test(arrays, config)
    train, val = _cut_rest(arrays, rest, config)
    if config.fraction < 1:
        train = _cut_at_random(arrays, train, config, f"data.fraction={config.fraction}", train_size=config.fraction)[0]
    return train, val, test


def is_in_time_order(arrays: Arrays) -> bool:
    """Tell whether the samples lie in the order in which they were taken, or in the reverse one."""
    if arrays.order is None or arrays.order[0] == arrays.order[-1]:
        return False
    steps = np.diff(arrays.order)
    return bool((steps >= 0).all() or (steps <= 0).all())


def _check_split(arrays: Arrays, config: SplitConfig) -> None:
    if config.split == "group" and arrays.groups is None:
        raise UserError(
            "data.split=group needs groups: data.split_column names the column of a csv, a source returns "
            "Arrays(groups=...)"
        )
    if config.split == "time" and arrays.order is None and arrays.groups is not None:
        raise UserError("data.split=time needs numbers or dates to sort by; got texts in data.split_column")
    if config.test_fraction is None and arrays.num_test == 0:
        raise UserError("data.test_fraction must be a number in (0, 1) if the data has no test part; got null")


def _cut_test(arrays: Arrays, config: SplitConfig) -> tuple[Index, Index]:
    everything = np.arange(len(arrays.inputs))
    if config.test_fraction is not None:
        has_val = config.folds is None and not config.train_on_val
        if has_val and config.val_fraction + config.test_fraction >= 1:
            both = f"{config.val_fraction} + {config.test_fraction}"
            raise UserError(f"data.val_fraction + data.test_fraction must be < 1, to leave a training part; got {both}")
        size = _size(config.test_fraction, _units(arrays, everything, config))
        return _cut(arrays, _sort(arrays, everything, config), size, config)
    rest, test = everything[: -arrays.num_test], everything[-arrays.num_test :]
    if config.split == "group" and arrays.groups is not None:
        shared = np.intersect1d(arrays.groups[rest], arrays.groups[test])
        if len(shared):
            raise UserError(
                f"data.split=group needs groups that are in one part each; got {len(shared)} that the data's own test "
                "part shares with the other samples; data.test_fraction=0.2 cuts another test part"
            )
    return _sort(arrays, rest, config), test


def _sort(arrays: Arrays, index: Index, config: SplitConfig) -> Index:
    """Return indices as they lie, or by time if parts are cut by time and the times are known."""
    if config.split != "time" or arrays.order is None:
        return index
    return index[np.argsort(arrays.order[index], kind="stable")]


def _cut_rest(arrays: Arrays, rest: Index, config: SplitConfig) -> tuple[Index, Index]:
    """Return the training and validation part of what the test part leaves."""
    if config.train_on_val:
        return rest, rest[:0]
    return _cut_fold(arrays, rest, config) if config.folds else _cut_val(arrays, rest, config)


def _cut_val(arrays: Arrays, rest: Index, config: SplitConfig) -> tuple[Index, Index]:
    """Cut off val_fraction of all samples, or of the rest if the data has its own test part."""
    whole = rest if config.test_fraction is None else np.arange(len(arrays.inputs))
    return _cut(arrays, rest, _size(config.val_fraction, _units(arrays, whole, config)), config)


def _units(arrays: Arrays, index: Index, config: SplitConfig) -> int:
    """Return how many samples there are, or how many groups if no group is to be in two parts."""
    return len(index if config.split != "group" else np.unique(_groups(arrays)[index]))


def _size(fraction: float, whole: int) -> int:
    """Return a fraction of `whole` in samples, rounded up; 0.3 of 200 is 60 despite binary fractions."""
    return ceil(round(fraction * whole, 6))


def _groups(arrays: Arrays) -> Index:
    assert arrays.groups is not None  # _check_split has seen to it
    return arrays.groups


def _cut(arrays: Arrays, index: Index, size: int, config: SplitConfig) -> tuple[Index, Index]:
    """Cut `size` samples, or groups, off at the end."""
    what = f"data.val_fraction={config.val_fraction} data.test_fraction={config.test_fraction}"
    if config.split == "time":
        if size >= len(index):
            raise UserError(f"{what} do not fit {len(index)} samples")
        return index[:-size], index[-size:]
    if config.split == "group":
        from sklearn.model_selection import GroupShuffleSplit

        groups = _groups(arrays)[index]
        if size >= len(np.unique(groups)):
            raise UserError(f"{what} do not fit {len(np.unique(groups))} groups")
        splitter = GroupShuffleSplit(1, test_size=size, random_state=config.seed)
        first, second = next(splitter.split(index, groups=groups))
        return index[first], index[second]
    return _cut_at_random(arrays, index, config, what, test_size=size)


def _cut_at_random(arrays: Arrays, index: Index, config: SplitConfig, what: str, **sizes: float) -> tuple[Index, Index]:
    """Cut samples off; sizes: how many, named as by scikit-learn; what: the values of the config that ask for it."""
    classes = arrays.targets[index] if config.split == "random" and arrays.has_one_class else None
    size = sizes.get("test_size", len(index) - floor(sizes.get("train_size", 0) * len(index)))
    parts = split_at_random(len(index), int(size), config.seed, classes)
    if parts is not None:
        return index[parts[0]], index[parts[1]]
    from sklearn.model_selection import train_test_split

    try:
        first, second = train_test_split(index, **sizes, random_state=config.seed, stratify=classes)
    except ValueError as error:
        raise UserError(f"{what} do not fit {len(index)} samples: {' '.join(str(error).split())}") from None
    return first, second


def _cut_fold(arrays: Arrays, rest: Index, config: SplitConfig) -> tuple[Index, Index]:
    assert config.folds is not None
    assert config.fold is not None
    classes = arrays.targets[rest] if arrays.has_one_class else None
    groups = _groups(arrays)[rest] if config.split == "group" else None
    _check_folds(config, rest, classes, groups)
    folds = _splitter(config, classes is not None).split(rest, classes, groups)
    train, val = list(folds)[config.fold]
    return rest[train], rest[val]


def _check_folds(config: SplitConfig, rest: Index, classes: NDArray[Any] | None, groups: Index | None) -> None:
    """Raise UserError if a fold would be left without samples."""
    assert config.folds is not None
    if groups is not None:
        most, what = len(np.unique(groups)), "groups"
    elif config.split == "time":
        most, what = len(rest) - 1, "samples after the first"  # the first part is never validated on
    elif classes is not None:
        most, what = int(np.bincount(classes).min()), "samples in its smallest class"
    else:
        most, what = len(rest), "samples"
    if most < config.folds:
        raise UserError(f"data.folds must leave each fold a sample; got {config.folds} for {most} {what}")


def _splitter(config: SplitConfig, is_stratified: bool) -> Any:
    """Return scikit-learn's splitter; folds of data in time train on all that lies before the part they validate on."""
    from sklearn import model_selection

    if config.split == "time":
        return model_selection.TimeSeriesSplit(config.folds)
    kinds = {
        ("random", True): model_selection.StratifiedKFold,
        ("random", False): model_selection.KFold,
        ("group", True): model_selection.StratifiedGroupKFold,
        ("group", False): model_selection.GroupKFold,
    }
    return kinds[config.split, is_stratified](config.folds, shuffle=True, random_state=config.seed)
