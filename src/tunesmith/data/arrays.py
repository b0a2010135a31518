"""All samples of a data set as arrays, and the protocol of the sources that load them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import UserError


@dataclass(frozen=True)
class Arrays:
    """All samples of a data set.

    inputs: (samples, *input_shape) float32, an image as (channels, height, width); NaN for a missing value.
    targets: (samples,) int64 from 0 for classes, float32 for numbers.
    columns: names of a table's columns; classes: names of the classes; both for messages and reports.
    categories: index of a categorical column -> the names of its categories; the column holds their codes from 0.
    num_test: samples at the end that are the data set's own test part; 0: it has none.

    Raises:
        UserError: the arrays do not fit each other or have the wrong type.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.int64] | NDArray[np.float32]
    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    categories: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    num_test: int = 0

    def __post_init__(self) -> None:
        if self.inputs.dtype != np.float32 or self.inputs.ndim < 2 or 0 in self.inputs.shape[1:]:
            raise _misfit("inputs of (samples, *input_shape), float32", self.inputs)
        if self.targets.dtype not in (np.int64, np.float32) or self.targets.shape != self.inputs.shape[:1]:
            raise _misfit(f"targets of ({len(self.inputs)},), int64 for classes or float32 for numbers", self.targets)
        if self.has_classes and len(self.targets) and self.targets.min() < 0:
            raise UserError(f"data.source must return classes from 0; got {self.targets.min()}")
        for kind, names, number in (
            ("class", self.classes, self.num_classes if len(self.targets) else 0),
            ("column", self.columns, self.inputs.shape[1]),
        ):
            if names and len(names) < number:
                raise UserError(f"data.source must name each {kind} or none; got {len(names)} names for {number}")

    @property
    def has_classes(self) -> bool:
        """Whether the task is classification; otherwise it is regression."""
        return self.targets.dtype == np.int64

    @property
    def num_classes(self) -> int:
        """0 for regression."""
        return max(len(self.classes), int(self.targets.max()) + 1) if self.has_classes else 0

    @property
    def is_table(self) -> bool:
        """Whether a sample is a row of columns."""
        return self.inputs.ndim == 2

    def column(self, index: int) -> str:
        """Return a column's name, or its index if the columns have no names."""
        return self.columns[index] if self.columns else str(index)

    def class_name(self, label: int) -> str:
        return self.classes[label] if self.classes else str(label)


class Source(Protocol):
    """Where samples come from: a frozen dataclass; its fields are keys of the data set's YAML file.

    Two sources of one class with equal fields are the same data: a process loads it once.
    """

    def load(self) -> Arrays:
        """Read or make all samples."""

    def __hash__(self) -> int: ...


def _misfit(expected: str, got: NDArray[np.generic]) -> UserError:
    return UserError(f"data.source must return {expected}; got {got.shape}, {got.dtype}")
