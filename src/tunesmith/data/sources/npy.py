"""The user's own arrays, a file each: npy -> Arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.arrays import Arrays
from tunesmith.data.sources.npz import DAMAGED, check_file, make_arrays
from tunesmith.errors import UserError


@dataclass(frozen=True)
class Npy:
    """Inputs (samples, *input_shape) in one npy file and targets (samples, *target_shape) in another one.

    targets_path: None if each input is its own target.
    tokens: whether whole numbers in the inputs are token ids.
    mapped: whether arrays stay in their files and are read by batch; task: see Npz.
    """

    path: str
    targets_path: str | None
    tokens: bool
    mapped: bool
    task: str = "auto"

    def load(self) -> Arrays:
        inputs = self._read("data.path", self.path)
        targets = None if self.targets_path is None else self._read("data.targets_path", self.targets_path)
        return make_arrays(inputs, targets, self.path, self.tokens, self.task)

    def _read(self, key: str, name: str) -> NDArray[Any]:
        try:
            array = np.load(check_file(name, key), mmap_mode="r" if self.mapped else None, allow_pickle=False)
        except DAMAGED as error:
            raise UserError(f"{key} must be an npy file of a plain array; got {name} ({error})") from None
        if not isinstance(array, np.ndarray) or array.ndim == 0:
            raise UserError(f"{key} must be an npy file of one array of samples; got {name}")
        return array
