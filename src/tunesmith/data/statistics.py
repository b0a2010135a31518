"""Size and spread of the numbers of a part."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from tunesmith.data.rows import Rows

# Of a larger part, evenly spaced samples of so many numbers stand for all; of rows in a file fewer are read.
MAX_VALUES, MAX_MAPPED_VALUES = 2**24, 2**20


def describe_numbers(values: Tensor | Rows) -> dict[str, float] | None:
    """Return mean, std, min, max and abs_max over all numbers of a part; None of whole numbers, such as token ids."""
    if not values.dtype.is_floating_point or not len(values):
        return None
    most = MAX_MAPPED_VALUES if isinstance(values, Rows) else MAX_VALUES
    sample = evenly_spaced(values, most // max(1, prod(values.shape[1:])))
    least, largest = (each.item() for each in sample.aminmax())
    deviation, mean = torch.std_mean(sample, correction=0)
    numbers = {"mean": mean.item(), "std": deviation.item(), "min": least, "max": largest}
    return {**numbers, "abs_max": max(abs(least), abs(largest))}


def evenly_spaced(values: Tensor | Rows, most: int) -> Tensor:
    """Return so many samples at most, one at least, spread over all: (samples, ...)."""
    num = max(1, min(len(values), most))
    return values[:] if num == len(values) else values[torch.arange(num) * len(values) // num]
