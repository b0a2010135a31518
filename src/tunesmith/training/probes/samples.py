"""The training samples that probes look at: evenly spaced over the part, the same ones each time."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tunesmith.data.array_data import EVALUATION_BATCH_BYTES, ArrayData
from tunesmith.data.batches import Batch
from tunesmith.data.splits import Split
from tunesmith.data.statistics import evenly_spaced

# Samples that are looked at: 512 tell a mean loss to 4 % of its spread. If that many do not go through the learner at
# once, fewer do, down to 256, which then take as many passes as they need: a pass is what a look costs.
MAX_SAMPLES, MIN_SAMPLES = 512, 256


@dataclass(frozen=True)
class Samples:
    """Training samples as batches on a device, which are read again each time; none is drawn anew by augmentation."""

    data: ArrayData
    device: torch.device
    max_samples: int = MAX_SAMPLES

    def read(self) -> list[Batch]:
        """Return the batches; none is larger than what a run has in memory anyway: one of training or of validation."""
        part = self.data.splits.train
        size = max(self.data.batch_size, len(self.data.splits.val))
        num = min(len(part), self.max_samples, max(size, MIN_SAMPLES))
        num = min(num, max(1, EVALUATION_BATCH_BYTES // max(1, part.inputs[:1].nbytes)))
        places = evenly_spaced(torch.arange(len(part)), num)  # (num,), and so is what each batch has of them
        num_batches = -(-num // size)
        return [self._batch(part, places[start::num_batches]) for start in range(num_batches)]

    def _batch(self, part: Split, index: torch.Tensor) -> Batch:
        inputs = part.inputs[index].to(self.device)
        return inputs, inputs if part.targets is part.inputs else part.targets[index].to(self.device)
