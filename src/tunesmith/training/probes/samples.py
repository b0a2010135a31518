"""The training samples that probes look at: evenly spaced over the part, the same ones each time."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tunesmith.data.array_data import EVALUATION_BATCH_BYTES, ArrayData
from tunesmith.data.batches import Batch
from tunesmith.data.splits import Split

# Samples whose loss is taken, and of which outputs and units are looked at: 512 tell a mean loss to 4 % of its spread.
NUM_LOSS_SAMPLES, NUM_UNIT_SAMPLES = 512, 256


@dataclass(frozen=True)
class Samples:
    """Training samples as batches on a device, which are read again each time; none is drawn anew by augmentation."""

    data: ArrayData
    device: torch.device
    num_loss: int = NUM_LOSS_SAMPLES

    def read(self) -> tuple[list[Batch], list[Batch]]:
        """Return the batches of the samples whose units are looked at, and the others'.

        No batch is larger than what a run has in memory anyway: a batch of training, or of the validation part.
        """
        part = self.data.splits.train
        num = min(len(part), self.num_loss, max(1, EVALUATION_BATCH_BYTES // max(1, part.inputs[:1].nbytes)))
        size = min(NUM_UNIT_SAMPLES, max(self.data.batch_size, len(self.data.splits.val)))
        indices = torch.split(_evenly_spaced(len(part), num), size)
        num_first = -(-min(num, NUM_UNIT_SAMPLES) // size)
        return [self._batch(part, each) for each in indices[:num_first]], [
            self._batch(part, each) for each in indices[num_first:]
        ]

    def _batch(self, part: Split, index: torch.Tensor) -> Batch:
        inputs = part.inputs[index].to(self.device)
        return inputs, inputs if part.targets is part.inputs else part.targets[index].to(self.device)


def _evenly_spaced(num_samples: int, num: int) -> torch.Tensor:
    """Return evenly spaced places, in an order in which the first 256 are evenly spaced as well: 0 2 4 ... 1 3 5 ..."""
    places = torch.arange(num) * num_samples // num
    stride = -(-num // NUM_UNIT_SAMPLES)
    return torch.cat([places[start::stride] for start in range(stride)])
