"""Out-of-memory errors in one line, and CUDA memory that a training leaves behind."""

from __future__ import annotations

import gc

import torch

from tunesmith.errors import RunFailed, text_of

# In the text of torch's out-of-memory error on a CPU, which is a plain RuntimeError; CUDA's has a class.
_ON_CPU = "DefaultCPUAllocator"


def as_out_of_memory(error: Exception) -> RunFailed | None:
    """Return the failure to report if the error means out of memory, else None."""
    is_on_cpu = isinstance(error, RuntimeError) and _ON_CPU in text_of(error)
    if not (isinstance(error, torch.OutOfMemoryError | MemoryError) or is_on_cpu):
        return None
    first_line = next(iter(str(error).splitlines()), type(error).__name__)
    return RunFailed(f"out of memory: {first_line}")


def free_cuda() -> None:
    """Free CUDA's cached memory, which the next trial or another process may need."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        gc.collect()  # trainer and module refer to each other
        torch.cuda.empty_cache()
