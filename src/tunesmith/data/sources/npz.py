"""The user's own arrays: npz -> Arrays."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from zipfile import BadZipFile

import numpy as np

from tunesmith.data.arrays import Arrays
from tunesmith.errors import UserError, list_names

# What numpy raises for a file that is not an npz, or is damaged.
DAMAGED = (BadZipFile, EOFError, KeyError, NotImplementedError, OSError, TokenError, TypeError, ValueError, zlib.error)


@dataclass(frozen=True)
class Npz:
    """An npz file with arrays `inputs` (samples, *input_shape) and `targets` (samples,).

    Targets of an integer, bool or text type are classes; targets of a float type are numbers to predict.
    """

    path: str

    def load(self) -> Arrays:
        path = check_file(self.path)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
                arrays = dict(content)
        except DAMAGED as error:
            raise UserError(f"data.path must be an npz file of plain arrays; got {self.path} ({error})") from None
        for name in ("inputs", "targets"):
            if name not in arrays:
                raise UserError(
                    f"data.path must hold inputs and targets; got {self.path} with {list_names(map(repr, arrays))}"
                )
        inputs, targets = np.asarray(arrays["inputs"]), np.asarray(arrays["targets"])
        if inputs.dtype.kind not in "biuf":
            raise UserError(f"data.path must hold inputs that are numbers; got {self.path} with {inputs.dtype}")
        with np.errstate(over="ignore"):  # values too large for float32 become infinite and are refused later
            inputs = inputs.astype(np.float32)
            if inputs.ndim == 1:
                inputs = inputs[:, None]
            if targets.dtype.kind == "f":
                return Arrays(inputs, targets.astype(np.float32))
        names, codes = np.unique(targets, return_inverse=True)
        return Arrays(inputs, codes.astype(np.int64), classes=tuple(map(str, names)))


def check_file(name: str) -> Path:
    """Return the path of a file that is not empty; raises UserError otherwise."""
    path = Path(name).expanduser()
    if path.is_dir():
        raise UserError(f"data.path must be a file; got {name}, which is a folder")
    if not path.is_file():
        raise UserError(f"data.path must be a file; got {name}, which is not there")
    if path.stat().st_size == 0:
        raise UserError(f"data.path must be a file with something in it; got {name}, which is empty")
    return path
