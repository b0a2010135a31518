"""Arrays -> training, validation and test split."""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from stat import S_ISREG
from typing import Any

import torch
from torch import Tensor

from tunesmith.data.arrays import Arrays, Source, Values
from tunesmith.data.cutting import SplitConfig, cut
from tunesmith.data.digest import digest
from tunesmith.data.fitted_preparation import FittedPreparation
from tunesmith.data.mapped import Index, Mapped
from tunesmith.data.measures import Measures, measure_parts
from tunesmith.data.preflight import check_samples, check_splits
from tunesmith.data.preparation import fit_preparation
from tunesmith.data.rows import Rows
from tunesmith.data.targets import choose_targets, coarse_targets, fit_target_scale, scale_targets
from tunesmith.errors import UserError

log = logging.getLogger(__name__)

FileStates = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Split:
    """inputs: (samples, *input_shape) float32 or int64; targets: (samples, *target_shape) int64 or float32.

    Rows: they stay in a file, and [index] reads them. Targets that are the inputs are the same object.
    """

    inputs: Tensor | Rows
    targets: Tensor | Rows

    def to(self, device: torch.device) -> Split:
        inputs = self.inputs.to(device)
        return Split(inputs, inputs if self.targets is self.inputs else self.targets.to(device))

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class Splits:
    """The three splits, and what a model and a report need to know of the data.

    classes: names of the classes, empty for regression.
    digest: of the arrays as they were loaded; preparation: what was done to them.
    val_index, test_index: which of the loaded samples, from 0, the two parts hold.
    """

    train: Split
    val: Split
    test: Split
    classes: tuple[str, ...]
    digest: str
    preparation: FittedPreparation
    val_index: Index
    test_index: Index

    @cached_property
    def measures(self) -> Measures:
        """What data checks look at, measured once."""
        return measure_parts(self)

    @property
    def target_mean(self) -> float:
        return self.preparation.target_mean

    @property
    def target_scale(self) -> float:
        return self.preparation.target_scale


def load_splits(source: Source, config: SplitConfig, preparation: FittedPreparation | None = None) -> Splits:
    """Return the splits of a source; a process holds one copy, however many trials ask, unless a file has changed.

    preparation: of an earlier run, which is applied instead of a new one, and of which no copy is held.

    Raises:
        UserError: the data cannot be trained on as it is cut.
    """
    _check_source(source)
    try:
        if preparation is not None:
            return _make_splits(*_load(source), config, preparation)
        return _load_splits(source, config, _file_states(source))
    except MemoryError as error:
        raise UserError(
            "data must fit into memory, unless data=npz or data=npy reads it by batch with data.mapped=true; it does "
            f"not: {error}"
        ) from None


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


def _file_states(source: Source) -> FileStates:
    """Return time and size of each file that a field of the source names; of a folder nobody knows what counts."""
    values: list[Any] = [getattr(source, each.name) for each in fields(source)] if is_dataclass(source) else []
    return tuple(state for value in values if (state := _file_state(value)) is not None)


def _file_state(name: Any) -> tuple[int, int] | None:
    if not isinstance(name, str | Path):
        return None
    try:
        found = Path(name).expanduser().stat()
    except (OSError, RuntimeError, ValueError):  # there is no such file, or the text can name none
        return None
    return (found.st_mtime_ns, found.st_size) if S_ISREG(found.st_mode) else None


@lru_cache(maxsize=2)
def _load_splits(source: Source, config: SplitConfig, files: FileStates) -> Splits:
    """Keep the arrays themselves only if there are folds: each fold is cut out of them anew."""
    arrays, loaded_digest = _load(source) if config.folds is None else _load_once(source, files)
    return _make_splits(arrays, loaded_digest, config)


def _make_splits(
    loaded: Arrays, loaded_digest: str, config: SplitConfig, preparation: FittedPreparation | None = None
) -> Splits:
    """Cut and prepare arrays; if the preparation is fitted here, say what was found."""
    arrays = choose_targets(loaded, config.targets)
    check_samples(arrays)
    indices = cut(arrays, config)
    lines: list[str] = []
    is_fitted_here = preparation is None
    if preparation is None:
        preparation, lines = _fit(arrays, indices[0], config)
    inputs = preparation.apply(arrays)
    targets = scale_targets(arrays, preparation.target_mean, preparation.target_scale)
    if is_fitted_here and not config.train_on_val:
        lines += check_splits(arrays, inputs, indices, config.scale, config.split)
        lines += coarse_targets(arrays, indices[0], preparation.target_mean)
    if not config.fold and not config.train_on_val:  # findings of the first fold, or of the run before a refit, hold
        for line in lines:
            log.warning("data: %s", line)
    train, val, test = (_split(inputs, inputs if config.targets == "inputs" else targets, index) for index in indices)
    return Splits(train, val, test, arrays.class_names, loaded_digest, preparation, *indices[1:])


def _fit(arrays: Arrays, train: Index, config: SplitConfig) -> tuple[FittedPreparation, list[str]]:
    inputs, lines = fit_preparation(arrays, train, config.scale, config.missing)
    mean, scale = fit_target_scale(arrays, train, config.scale_targets)
    return FittedPreparation.of(arrays, inputs, mean, scale), lines


def _load(source: Source, files: FileStates = ()) -> tuple[Arrays, str]:
    arrays = source.load()
    if not isinstance(arrays, Arrays):
        raise UserError(f"data.source must return Arrays; got {type(arrays).__qualname__}")
    return arrays, digest(arrays)


_load_once = lru_cache(maxsize=1)(_load)


def _split(inputs: Values | Mapped, targets: Values | Mapped, index: Index) -> Split:
    cut_inputs = _rows(inputs, index)
    return Split(cut_inputs, cut_inputs if targets is inputs else _rows(targets, index))


def _rows(values: Values | Mapped, index: Index) -> Tensor | Rows:
    return Rows(values, index) if isinstance(values, Mapped) else torch.from_numpy(values)[index]
