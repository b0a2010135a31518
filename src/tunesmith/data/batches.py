"""Batches by index, sliced from tensors or read from a file; seed, epoch and ranks alone decide their order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import SequentialSampler

from tunesmith.data.rows import Rows
from tunesmith.data.splits import Split

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


def shard_sizes(num_samples: int, batch_size: int, rank: int, world_size: int) -> list[int]:
    """Return the sizes of one rank's batches, as many as each other rank has, because a step may wait for all ranks.

    Samples that cannot be dealt out evenly join the last batch of the first ranks. If there are fewer samples than
    ranks, a rank without samples has one empty batch.
    """
    sizes = batch_sizes(num_samples // world_size, batch_size) or [0]
    sizes[-1] += rank < num_samples % world_size
    return sizes


class Batches:
    """One rank's share of a split as an iterable of (inputs, targets); with a seed in a new order each epoch.

    The order of an epoch is dealt out to the ranks in turn: one step of all ranks together takes consecutive samples
    of that order. Lightning calls `sampler.set_epoch` before each epoch.
    """

    batch_sampler = None

    def __init__(
        self, split: Split, batch_size: int, shuffle_seed: int | None = None, rank: int = 0, world_size: int = 1
    ) -> None:
        """batch_size: of one rank; rank: in 0..world_size - 1."""
        self.split = split
        self.shuffle_seed = shuffle_seed
        self.sizes = shard_sizes(len(split), batch_size, rank, world_size) if len(split) else []
        self.share = slice(rank, None, world_size)
        self.epoch = 0

    @property
    def sampler(self) -> Batches | SequentialSampler:
        """This object if the order has a seed; otherwise a SequentialSampler, for Lightning: nothing is shuffled."""
        return SequentialSampler(self.sizes) if self.shuffle_seed is None else self

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (from 0) whose order the next iteration follows."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[Batch]:
        """Begin at the first next(): a resumed run makes its iterator before it sets the epoch."""
        split = self.split
        if isinstance(split.inputs, Rows) or isinstance(split.targets, Rows):
            yield from self._read(split)
            return
        if self.shuffle_seed is None:
            inputs = split.inputs[self.share].contiguous()
            targets = inputs if split.targets is split.inputs else split.targets[self.share].contiguous()
        else:
            order = epoch_order(len(split), self.shuffle_seed, self.epoch)[self.share].to(split.inputs.device)
            inputs = split.inputs[order]
            targets = inputs if split.targets is split.inputs else split.targets[order]
        yield from zip(torch.split(inputs, self.sizes), torch.split(targets, self.sizes), strict=True)

    def _read(self, split: Split) -> Iterator[Batch]:
        """Read rows that stay in a file, a batch at a time."""
        num = len(split)
        order = torch.arange(num) if self.shuffle_seed is None else epoch_order(num, self.shuffle_seed, self.epoch)
        for index in torch.split(order[self.share], self.sizes):
            inputs = split.inputs[index]
            yield inputs, inputs if split.targets is split.inputs else split.targets[index]
