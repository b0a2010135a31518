"""Memory that a training leaves behind, and what to say when there is not enough."""

from __future__ import annotations

import gc

import torch

from tunesmith.errors import RunFailed

# How torch's allocator for the CPU says it; on CUDA there is an error class.
_ON_CPU = "DefaultCPUAllocator"


def as_out_of_memory(error: Exception) -> RunFailed | None:
    """Return what to tell of an error that means too little memory, None for any other."""
    is_on_cpu = isinstance(error, RuntimeError) and _ON_CPU in str(error)
    if not (isinstance(error, torch.OutOfMemoryError | MemoryError) or is_on_cpu):
        return None
    first_line = next(iter(str(error).splitlines()), type(error).__name__)
    return RunFailed(f"out of memory: {first_line}")


def free_cuda() -> None:
    """Give CUDA's cached memory back: the next trial of this process, or another process, may need it."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        gc.collect()  # trainer and module refer to each other
        torch.cuda.empty_cache()
