"""The user's own arrays: npz -> Arrays."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.arrays import Arrays, Values
from tunesmith.errors import UserError, list_names

# What numpy raises for a file that is not an npz, or is damaged.
DAMAGED = (BadZipFile, EOFError, KeyError, NotImplementedError, OSError, TokenError, TypeError, ValueError, zlib.error)


@dataclass(frozen=True)
class Npz:
    """An npz file with arrays `inputs` (samples, *input_shape) and `targets` (samples, *target_shape).

    tokens: whether whole numbers in `inputs` are token ids.
    """

    path: str
    tokens: bool = False

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
        targets, classes = read_targets(np.asarray(arrays["targets"]), self.path)
        return Arrays(read_inputs(np.asarray(arrays["inputs"]), self.path, self.tokens), targets, classes=classes)


def read_inputs(inputs: NDArray[Any], path: str, is_tokens: bool) -> Values:
    """Return inputs as float32, or as int64 if they are token ids; one number a sample becomes a column."""
    if inputs.dtype.kind not in "biuf":
        raise UserError(f"data.path must hold inputs that are numbers; got {path} with {inputs.dtype}")
    if is_tokens and (inputs.dtype.kind not in "iu" or inputs.ndim > 2):
        got = f"{inputs.dtype} of shape {inputs.shape}"
        raise UserError(f"data.tokens=true needs inputs of whole numbers, (samples, length); got {got}")
    if inputs.ndim == 1:
        inputs = inputs[:, None]
    with np.errstate(over="ignore"):  # values too large for float32 become infinite and are refused later
        return inputs.astype(np.int64) if is_tokens else inputs.astype(np.float32)


def read_targets(targets: NDArray[Any], path: str) -> tuple[Values, tuple[str, ...]]:
    """Return targets, and the names of the classes, if there are names.

    Targets of an integer, bool or text type are classes; targets of a float type are numbers to predict. Several truth
    values a sample are labels that each hold or not: numbers 0 and 1.
    """
    is_column = targets.ndim == 2 and targets.shape[1] == 1
    with np.errstate(over="ignore"):  # values too large for float32 become infinite and are refused later
        if targets.dtype.kind == "f" or (targets.dtype.kind == "b" and targets.ndim > 1 and not is_column):
            return targets.astype(np.float32), ()
    if targets.ndim > 1 and not is_column:
        if targets.dtype.kind not in "iu":
            raise UserError(f"data.path must hold targets of numbers or of one class; got {path} with {targets.dtype}")
        # Kept as they are: a mask's or a text's ids are indices of something outside this file, a palette or a
        # vocabulary, and the ids that happen to be in the file say nothing about which others there are.
        return targets.astype(np.int64), ()
    names, codes = np.unique(targets.ravel(), return_inverse=True)
    return codes.astype(np.int64), tuple(map(str, names))


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
