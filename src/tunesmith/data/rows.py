"""Rows of an array that stays in its file, as tensors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from tunesmith.data.mapped import Index, Mapped

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Rows:
    """The rows of one part, of an array in a file; like a tensor of them, [index] returns rows, and [:] all of them.

    index: of the part's rows in the array.
    """

    values: Mapped
    index: Index
    device: torch.device = CPU

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, which: Tensor | slice) -> Tensor:
        """Read rows in the given order; which: (rows,) int64."""
        rows = self.index[which if isinstance(which, slice) else which.cpu().numpy()]
        return torch.from_numpy(self.values[rows]).to(self.device)

    @property
    def shape(self) -> torch.Size:
        return torch.Size((len(self), *self.values.shape[1:]))

    @property
    def ndim(self) -> int:
        return self.values.ndim

    @property
    def dtype(self) -> torch.dtype:
        return torch.int64 if self.values.dtype == np.int64 else torch.float32

    def to(self, device: torch.device) -> Rows:
        """Return rows that are read to a device."""
        return replace(self, device=device)
