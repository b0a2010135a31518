"""Why a trial failed, as the trial records it: from what its job returned, raised or printed last."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tunesmith.errors import RunFailed, UserError

_ADVICE = "Set the environment variable HYDRA_FULL_ERROR=1"


def to_number(returned: Any) -> float:
    """Return what a job returned as a number; raises RunFailed if it is not a finite number."""
    try:
        value = float(returned)
    except (TypeError, ValueError):
        raise RunFailed(f"the job must return a number; it returned {returned!r}") from None
    if not math.isfinite(value):
        raise RunFailed(f"the job must return a finite number; it returned {value}")
    return value


def reason_of(error: BaseException) -> str:
    """Return why a trial failed, in one line."""
    if isinstance(error, RunFailed | UserError):
        return str(error)
    return " ".join(f"{type(error).__name__}: {error}".split())


def has_broken_cuda(error: BaseException) -> bool:
    """Whether CUDA fails in this process from now on: after an assertion on the device or an illegal address."""
    return type(error).__name__ == "AcceleratorError" or "CUDA error:" in str(error)


def last_line(output: Path, begin: int) -> str:
    """Return the last line of a process's output; begin: first byte of this process's part of the file.

    Hydra ends each failure with the same advice, which says nothing of the failure.
    """
    lines = output.read_bytes()[begin:].decode(errors="replace").split("\n")
    own = (line.strip() for line in reversed(lines) if _ADVICE not in line)
    return next(filter(None, own), "")
