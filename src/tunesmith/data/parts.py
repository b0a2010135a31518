"""Arrays -> training, validation and test part, standardised."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tunesmith.data.sources import Arrays
from tunesmith.errors import UserError


@dataclass(frozen=True)
class Part:
    """inputs: (samples, *input_shape) float32; targets: (samples,) int64 or float32."""

    inputs: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> Part:
        return Part(self.inputs.to(device), self.targets.to(device))

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class Split:
    """How a data set is cut: fractions of all samples in (0, 1), stratified where there are classes."""

    val_fraction: float
    test_fraction: float
    seed: int
    scale: bool


def load_parts(source: Callable[[], Arrays], split: Split) -> tuple[Part, Part, Part]:
    """Return the training, validation and test part; one copy a process, however many trials ask.

    Raises:
        UserError: the fractions leave a part without samples, or a class with too few for the split.
    """
    if isinstance(source, partial):  # two partials are never equal, what they are made of can be
        return _load_parts(source.func, _frozen(source.args), _frozen(source.keywords), split)
    return _load_parts(source, (), (), split)


def _frozen(value: Any) -> Any:
    """Return lists and dicts as tuples, which a cache can look up."""
    if isinstance(value, Mapping):
        return tuple(sorted((key, _frozen(item)) for key, item in value.items()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_frozen(item) for item in value)
    return value


@lru_cache(maxsize=2)
def _load_parts(
    source: Callable[..., Arrays], args: tuple[Any, ...], keywords: tuple[tuple[str, Any], ...], split: Split
) -> tuple[Part, Part, Part]:
    arrays = source(*args, **dict(keywords))
    train, val, test = _indices(arrays, split)
    inputs = _standardised(arrays.inputs, train) if split.scale else arrays.inputs
    tensors = torch.from_numpy(inputs), torch.from_numpy(arrays.targets)
    train_part, val_part, test_part = (Part(*(tensor[index] for tensor in tensors)) for index in (train, val, test))
    return train_part, val_part, test_part


def _indices(arrays: Arrays, split: Split) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    from sklearn.model_selection import train_test_split

    if split.val_fraction + split.test_fraction >= 1:
        both = f"{split.val_fraction} + {split.test_fraction}"
        raise UserError(f"data.val_fraction + data.test_fraction must be < 1, to leave a training part; got {both}")
    everything = np.arange(len(arrays.inputs))
    classes = arrays.targets if arrays.has_classes else None
    try:
        rest, test = train_test_split(
            everything, test_size=split.test_fraction, random_state=split.seed, stratify=classes
        )
        train, val = train_test_split(
            rest,
            test_size=split.val_fraction / (1 - split.test_fraction),
            random_state=split.seed,
            stratify=None if classes is None else classes[rest],
        )
    except ValueError as error:
        fractions = f"data.val_fraction={split.val_fraction} data.test_fraction={split.test_fraction}"
        raise UserError(f"{fractions} do not fit {len(everything)} samples: {error}") from None
    return train, val, test


def _standardised(inputs: NDArray[np.float32], train: NDArray[np.int64]) -> NDArray[np.float32]:
    """Scale each feature by mean and deviation of the training part alone."""
    from sklearn.preprocessing import StandardScaler

    flat = inputs.reshape(len(inputs), -1)
    scaled: NDArray[np.float32] = StandardScaler().fit(flat[train]).transform(flat).astype(np.float32)
    return scaled.reshape(inputs.shape)
