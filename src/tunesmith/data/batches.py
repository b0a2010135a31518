"""Batches sliced from tensors by index; their order is a pure function of (seed, epoch)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import SequentialSampler

from tunesmith.data.parts import Part

Batch = tuple[Tensor, Tensor]


def epoch_order(num_samples: int, seed: int, epoch: int) -> Tensor:
    """Return a permutation of range(num_samples), int64; the same for the same seed and epoch (from 0)."""
    mixed = int(np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)[0] >> np.uint64(1))
    return torch.randperm(num_samples, generator=torch.Generator().manual_seed(mixed))


def batch_sizes(num_samples: int, batch_size: int) -> list[int]:
    """Return the sizes of an epoch's batches; a single sample left over joins the batch before it.

    Batch norm cannot be trained on one sample.
    """
    full, rest = divmod(num_samples, batch_size)
    if rest == 1 and full > 0 and batch_size > 1:
        return [batch_size] * (full - 1) + [batch_size + 1]
    return [batch_size] * full + ([rest] if rest else [])


class Batches:
    """One part of the data as an iterable of (inputs, targets); with a seed in a new order each epoch.

    Lightning calls `sampler.set_epoch` before each epoch.
    """

    batch_sampler = None

    def __init__(self, part: Part, batch_size: int, shuffle_seed: int | None = None) -> None:
        self.part = part
        self.shuffle_seed = shuffle_seed
        self.sizes = batch_sizes(len(part), batch_size)
        self.epoch = 0

    @property
    def sampler(self) -> Batches | SequentialSampler:
        """This object where the order has a seed; otherwise what tells Lightning that nothing is shuffled."""
        return SequentialSampler(self.sizes) if self.shuffle_seed is None else self

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (from 0) whose order the next iteration has."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[Batch]:
        """Begin at the first next(): a resumed run makes its iterator before it sets the epoch."""
        inputs, targets = self.part.inputs, self.part.targets
        if self.shuffle_seed is not None:
            order = epoch_order(len(self.part), self.shuffle_seed, self.epoch).to(inputs.device)
            inputs, targets = inputs[order], targets[order]
        yield from zip(torch.split(inputs, self.sizes), torch.split(targets, self.sizes), strict=True)
