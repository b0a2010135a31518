"""Memory: which errors mean that there was too little, and what is told of them."""

from __future__ import annotations

import pytest
import torch

from tunesmith.training.memory import as_out_of_memory


def allocate_on_cpu() -> None:
    torch.empty(2**60)


def raise_cuda_s() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has ...")


def allocate_by_python() -> None:
    raise MemoryError


@pytest.mark.parametrize(
    ("make", "told"),
    [
        pytest.param(raise_cuda_s, "out of memory: CUDA out of memory. Tried to allocate 2.00 GiB.", id="a GPU's"),
        pytest.param(allocate_by_python, "out of memory: MemoryError", id="python's"),
        pytest.param(allocate_on_cpu, "out of memory: ", id="torch's on a CPU"),
    ],
)
def test_too_little_memory_is_told_in_one_line(make: object, told: str) -> None:
    assert callable(make)
    with pytest.raises((RuntimeError, MemoryError)) as raised:
        make()
    failure = as_out_of_memory(raised.value)
    assert failure is not None
    assert str(failure).startswith(told)
    assert "\n" not in str(failure)


@pytest.mark.parametrize("error", [RuntimeError("mat1 and mat2"), ValueError("out of memory")], ids=repr)
def test_another_error_is_none(error: Exception) -> None:
    assert as_out_of_memory(error) is None
