"""The user's own arrays: npz -> Arrays."""

from __future__ import annotations

import logging
import struct
import zlib
from dataclasses import dataclass
from os import SEEK_CUR
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO, Literal
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.arrays import Arrays, Values, narrow
from tunesmith.data.mapped import Mapped
from tunesmith.errors import UserError, list_names

log = logging.getLogger(__name__)

# What numpy raises for a file that is not an npz, or is damaged.
DAMAGED = (BadZipFile, EOFError, KeyError, NotImplementedError, OSError, TokenError, TypeError, ValueError, zlib.error)
# A target of whole numbers with more different values than this is a number to predict, not a class. Chosen, not
# measured: label codes and digits have fewer values, ages, years and counts in many rows more. data.task overrides it.
MAX_CLASSES = 20
# Of a zip's member, before its name (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT).
LOCAL_HEADER_BYTES = 30


@dataclass(frozen=True)
class Npz:
    """An npz file with arrays `inputs` (samples, *input_shape) and `targets` (samples, *target_shape).

    `targets` may be missing if each input is its own target.

    tokens: whether whole numbers in `inputs` are token ids.
    mapped: whether arrays stay in the file and are read by batch; np.savez writes files that can be read so.
    task: auto (floats are numbers to predict, others classes), classification or regression.
    """

    path: str
    tokens: bool = False
    mapped: bool = False
    task: str = "auto"

    def load(self) -> Arrays:
        path = check_file(self.path)
        try:
            arrays = map_npz(path) if self.mapped else _read_npz(path)
        except DAMAGED as error:
            raise UserError(f"data.path must be an npz file of plain arrays; got {self.path} ({error})") from None
        if "inputs" not in arrays:
            names = list_names(map(repr, arrays))
            raise UserError(f"data.path must hold inputs and targets; got {self.path} with {names}")
        return make_arrays(arrays["inputs"], arrays.get("targets"), self.path, self.tokens, self.task)


def _read_npz(path: Path) -> dict[str, NDArray[Any]]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
        return {name: np.asarray(array) for name, array in content.items()}


def map_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return a memory map of each array in an npz file; an array that is compressed is read whole, with a line."""
    arrays: dict[str, NDArray[Any]] = {}
    with ZipFile(path) as archive, path.open("rb") as file:
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            if member.compress_type == ZIP_STORED:
                arrays[name] = _map_member(file, member.header_offset)
            else:
                log.warning(
                    "data: %s in %s is compressed: it is read whole (np.savez leaves arrays as they are)", name, path
                )
                with archive.open(member) as content:
                    arrays[name] = np.lib.format.read_array(content, allow_pickle=False)
    return arrays


def _map_member(file: BinaryIO, offset: int) -> NDArray[Any]:
    """Map an array inside a zip file; offset: of the local header, which ends with a name and an extra field."""
    file.seek(offset)
    header = file.read(LOCAL_HEADER_BYTES)
    if len(header) < LOCAL_HEADER_BYTES:
        raise EOFError("the file is cut short")
    name_bytes, extra_bytes = struct.unpack_from("<HH", header, LOCAL_HEADER_BYTES - 4)
    file.seek(name_bytes + extra_bytes, SEEK_CUR)
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, is_fortran, dtype = read_header(file)
    if dtype.hasobject or 0 in shape:
        file.seek(offset + LOCAL_HEADER_BYTES + name_bytes + extra_bytes)
        return np.lib.format.read_array(file, allow_pickle=False)  # numpy maps no empty arrays, and refuses objects
    order: Literal["F", "C"] = "F" if is_fortran else "C"
    return np.memmap(file, dtype, "r", file.tell(), shape, order)


def make_arrays(
    inputs: NDArray[Any], targets: NDArray[Any] | None, path: str, is_tokens: bool, task: str = "auto"
) -> Arrays:
    """Return arrays of a file as inputs and targets; memory maps stay maps."""
    if targets is None:
        return Arrays(_inputs(inputs, path, is_tokens), np.zeros((*inputs.shape[:1], 0), np.float32))
    values, classes = _targets(targets, path, task)
    return Arrays(_inputs(inputs, path, is_tokens), values, classes=classes)


def _inputs(inputs: NDArray[Any], path: str, is_tokens: bool) -> Values | Mapped:
    """Return inputs as numbers, or as int64 if they are token ids; one number a sample becomes a column."""
    if inputs.dtype.kind not in "biuf":
        raise UserError(f"data.path must hold inputs that are numbers; got {path} with {inputs.dtype}")
    if is_tokens and (inputs.dtype.kind not in "iu" or inputs.ndim > 2):
        got = f"{inputs.dtype} of shape {inputs.shape}"
        raise UserError(f"data.tokens=true needs inputs of whole numbers, (samples, length); got {got}")
    return _as_type(inputs[:, None] if inputs.ndim == 1 else inputs, is_whole=is_tokens)


def _targets(targets: NDArray[Any], path: str, task: str) -> tuple[Values | Mapped, tuple[str, ...]]:
    """Return targets, and the names of the classes, if there are names.

    task=auto: targets of an integer, bool or text type are classes; targets of a float type are numbers to predict.
    Several truth values a sample are labels that each hold or not: numbers 0 and 1.
    """
    is_one = targets.ndim < 2 or targets.shape[1:] == (1,)
    if targets.dtype.kind not in "biuf" and not (is_one and task != "regression" and targets.dtype.kind in "USO"):
        what = "of numbers" if task == "regression" else "of numbers or of one class"
        raise UserError(f"data.path must hold targets {what}; got {path} with {targets.dtype}")
    has_classes = task == "classification" or (task == "auto" and targets.dtype.kind not in ("f" if is_one else "fb"))
    if is_one:
        targets = np.array(targets)  # a value a sample is read whole
        if task == "auto" and targets.dtype.kind in "iuf":
            _warn_of_guess(np.unique(targets), has_classes)
        if has_classes:
            names, codes = np.unique(targets.ravel(), return_inverse=True)
            return codes.astype(np.int64), tuple(map(_name, names))
    elif has_classes and targets.dtype.kind == "f":
        got = f"{targets.dtype} of shape {targets.shape}"
        raise UserError(f"data.task=classification needs whole numbers if a target is many classes; got {got}")
    # Whole numbers are kept as they are: a mask's or a text's ids are indices of something outside this file, a palette
    # or a vocabulary, and the ids that happen to be in the file say nothing about which others there are.
    return _as_type(targets, is_whole=has_classes), ()


def _warn_of_guess(different: NDArray[Any], has_classes: bool) -> None:
    """Say what targets were taken for if their type and how many of them differ point to different tasks."""
    is_whole = bool((different % 1 == 0).all())
    if has_classes == (is_whole and len(different) <= MAX_CLASSES):
        return
    kind = "classification, as they are integers" if has_classes else "regression, as they are floats"
    log.warning("data: targets have %d different whole numbers: %s (data.task sets it otherwise)", len(different), kind)


def _name(value: Any) -> str:
    """Return a class's name; of a whole number that is a float, without its decimals."""
    return str(int(value)) if isinstance(value, np.floating) and float(value).is_integer() else str(value)


def _as_type(values: NDArray[Any], is_whole: bool) -> Values | Mapped:
    """Return values as int64, or as float32 or float64 so that they keep their digits; a memory map stays one."""
    if not isinstance(values, np.memmap):
        return values.astype(np.int64) if is_whole else narrow(values)
    exact = np.float32 if np.can_cast(values.dtype, np.float32) else np.float64
    return Mapped(values, np.dtype(np.int64 if is_whole else exact))


def check_file(name: str, key: str = "data.path") -> Path:
    """Return the path of a file that is not empty; raises UserError that names the key otherwise."""
    path = Path(name).expanduser()
    if path.is_dir():
        raise UserError(f"{key} must be a file; got {name}, which is a folder")
    if not path.is_file():
        raise UserError(f"{key} must be a file; got {name}, which is not there")
    if path.stat().st_size == 0:
        raise UserError(f"{key} must be a file with something in it; got {name}, which is empty")
    return path
