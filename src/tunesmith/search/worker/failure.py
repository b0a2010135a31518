"""Why a trial failed, as the trial records it: from what its job returned, raised or printed last."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunesmith.errors import RunFailed, UserError, shorten, text_of

_ADVICE = "Set the environment variable HYDRA_FULL_ERROR=1"


def to_value(returned: Any, num_objectives: int) -> float | list[float]:
    """Return what a job returned as its value, or as the values of several objectives.

    Raises:
        RunFailed: it is not a finite number, or not as many of them as there are objectives.
    """
    if num_objectives == 1:
        return to_number(returned)
    try:
        values = list(returned)
    except TypeError:
        values = []
    if isinstance(returned, str | Mapping) or len(values) != num_objectives:
        raise RunFailed(
            f"the job must return {num_objectives} numbers, one for each objective; it returned {shown(returned)}"
        )
    return [to_number(value) for value in values]


def to_number(returned: Any) -> float:
    """Return what a job returned as a number; raises RunFailed if it is not a finite number.

    A tensor of CUDA may raise an error of the work that made it.
    """
    try:
        value = float(returned)
    except Exception as error:  # a RuntimeError for a tensor of two elements, an OverflowError for 10**400
        if has_broken_cuda(error):
            raise
        raise RunFailed(f"the job must return a number; it returned {shown(returned)}") from None
    if not math.isfinite(value):
        raise RunFailed(f"the job must return a finite number; it returned {value}")
    return value


def reason_of(error: BaseException) -> str:
    """Return why a trial failed, in one line; the trial's log has the whole of a long one."""
    text = text_of(error)
    return shorten(text if isinstance(error, RunFailed | UserError) else f"{type(error).__name__}: {text}".strip())


def has_broken_cuda(error: BaseException) -> bool:
    """Whether CUDA fails in this process from now on: after an assertion on the device or an illegal address."""
    return type(error).__name__ == "AcceleratorError" or "CUDA error:" in text_of(error)


def last_line(output: Path, begin: int) -> str:
    """Return the last line of a process's output; begin: first byte of this process's part of the file.

    Hydra ends each failure with the same advice, which says nothing of the failure.
    """
    if not output.is_file():  # its folder was removed
        return ""
    lines = output.read_bytes()[begin:].decode(errors="replace").split("\n")
    own = (line.strip() for line in reversed(lines) if _ADVICE not in line)
    return shorten(next(filter(None, own), ""))


def shown(returned: Any) -> str:
    """Return the repr of what a job returned; that of a user's class may itself be faulty."""
    try:
        return shorten(repr(returned))
    except Exception:
        return f"an object of {type(returned).__name__}"
