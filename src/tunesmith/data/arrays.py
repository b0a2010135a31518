"""All samples of a data set as arrays, and the protocol of the sources that load them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.mapped import Mapped, Values
from tunesmith.data.table_columns import TableColumns
from tunesmith.errors import UserError

__all__ = ["MOST", "Arrays", "Source", "Values", "narrow"]

# Numbers are trained on as float32; a larger one counts as infinite.
MOST = float(np.finfo(np.float32).max)
NUMBERS = (np.float32, np.float64)


@dataclass(frozen=True)
class Arrays:
    """All samples of a data set.

    inputs: (samples, *input_shape) float32 or float64, an image as (channels, height, width), NaN for a missing value;
        or int64, token ids from 0, which are never scaled.
    targets: (samples, *target_shape), int64 from 0 for classes, float32 or float64 for numbers; (samples,) for one
        class or one number a sample, (samples, 0) if the data has no targets (data.targets=inputs).
        Numbers keep their digits until they are scaled, and are trained on as float32.
        Both may stay in their file (Mapped), targets of one class or number excepted.
    columns: names of a table's columns; classes: names of the classes; both for messages and reports.
    categories: index of a categorical column -> the names of its categories; the column holds their codes from 0.
    num_test: samples at the end that are the data set's own test part; 0: it has none.
    order: (samples,) float64, when each sample was taken, in any unit; None: not known.
    groups: (samples,) int64, which group each sample belongs to (data.split=group); None: there are none.
    table: what the other columns of a table were; None: the source is no table, or does not say.

    Raises:
        UserError: the arrays do not fit each other or have the wrong type.
    """

    inputs: Values | Mapped
    targets: Values | Mapped
    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    categories: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    num_test: int = 0
    order: NDArray[np.float64] | None = None
    groups: NDArray[np.int64] | None = None
    table: TableColumns | None = None

    def __post_init__(self) -> None:
        types = (*NUMBERS, np.int64)
        if self.inputs.dtype not in types or self.inputs.ndim < 2 or 0 in self.inputs.shape[1:]:
            raise _misfit("inputs of (samples, *input_shape), float32 or float64, or int64 for token ids", self.inputs)
        if self.targets.dtype not in types or self.targets.shape[:1] != self.inputs.shape[:1]:
            shape = f"({len(self.inputs)}, *target_shape)"
            raise _misfit(f"targets of {shape}, int64 for classes, float32 or float64 for numbers", self.targets)
        for name, each, kind in (("order", self.order, np.float64), ("groups", self.groups, np.int64)):
            if each is not None and (each.dtype != kind or each.shape != self.inputs.shape[:1]):
                raise _misfit(f"{name} of ({len(self.inputs)},), {np.dtype(kind)}", each)
        if self.order is not None and not np.isfinite(self.order).all():
            raise UserError("data.source must return a finite order of the samples")
        for what, values in (("classes", self.targets), ("token ids", self.inputs)):
            is_checked = what == "classes" or isinstance(values, np.ndarray)  # an embedding refuses other token ids
            if values.dtype == np.int64 and values.size and is_checked and _extent(values)[0] < 0:
                raise UserError(f"data.source must return {what} from 0; got {_extent(values)[0]}")
        for named, names, number in (
            ("class", self.classes, self.num_classes if len(self.targets) else 0),
            ("column", self.columns, self.inputs.shape[1]),
        ):
            if names and len(names) < number:
                raise UserError(f"data.source must name each {named} or none; got {len(names)} names for {number}")

    @property
    def target_shape(self) -> tuple[int, ...]:
        """Shape of one target; () for one class or one number."""
        return tuple(self.targets.shape[1:])

    @property
    def has_classes(self) -> bool:
        """Whether the task is classification; otherwise it is regression."""
        return self.targets.dtype == np.int64

    @property
    def has_one_class(self) -> bool:
        """Whether each target is one class: parts can then be stratified and classes be weighted."""
        return self.has_classes and self.targets.ndim == 1

    @cached_property
    def num_classes(self) -> int:
        """0 for regression."""
        return max(len(self.classes), int(_extent(self.targets)[1]) + 1) if self.has_classes else 0

    @property
    def is_table(self) -> bool:
        """Whether a sample is a row of columns; a row of token ids is none."""
        return self.inputs.ndim == 2 and self.inputs.dtype in NUMBERS

    def column(self, index: int) -> str:
        """Return a column's name, or its index if the columns have no names."""
        return self.columns[index] if self.columns else str(index)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return a name for each class; () for regression."""
        return tuple(self.class_name(label) for label in range(self.num_classes))

    def class_name(self, label: int) -> str:
        return self.classes[label] if self.classes else str(label)


class Source(Protocol):
    """Where samples come from: a frozen dataclass; its fields are keys of the data set's YAML file.

    Two sources of one class with equal fields are the same data: a process loads it once.
    """

    def load(self) -> Arrays:
        """Read or make all samples."""

    def __hash__(self) -> int: ...


def narrow(values: NDArray[Any]) -> NDArray[np.float32] | NDArray[np.float64]:
    """Return numbers as float64, or as float32 if their type or, of images, each number fits into it.

    It costs half the memory, which is much of images alone.
    """
    if values.dtype.kind == "b" or np.can_cast(values.dtype, np.float32):
        return values.astype(np.float32)
    wide = values.astype(np.float64, copy=False)
    if values.ndim <= 2:
        return wide
    with np.errstate(over="ignore", invalid="ignore"):
        small = wide.astype(np.float32)
    return small if np.array_equal(small, wide, equal_nan=True) else wide


def _extent(values: Values | Mapped) -> tuple[float, float]:
    return (values.min(), values.max()) if isinstance(values, np.ndarray) else values.extent


def _misfit(expected: str, got: NDArray[np.generic] | Mapped) -> UserError:
    return UserError(f"data.source must return {expected}; got {got.shape}, {got.dtype}")
