"""The LightningDataModule over any source of arrays."""

from __future__ import annotations

from collections.abc import Callable

import lightning as L
import torch

from tunesmith.data.batches import Batch, Batches
from tunesmith.data.parts import Part, Split, load_parts
from tunesmith.data.sources import Arrays

EVALUATION_BATCH_SIZE = 4096


class DataModule(L.LightningDataModule):
    """Training, validation and test part of a source, kept as tensors on the device of the trainer."""

    def __init__(
        self,
        source: Callable[[], Arrays],
        batch_size: int,
        val_fraction: float,
        test_fraction: float,
        split_seed: int,
        scale: bool,
        seed: int,
    ) -> None:
        """source: a function, or a partial of one, without arguments left; seed: of the order of batches."""
        super().__init__()
        self.batch_size = batch_size
        self.seed = seed
        split = Split(val_fraction, test_fraction, split_seed, scale)
        self.train_part, self.val_part, self.test_part = load_parts(source, split)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return tuple(self.train_part.inputs.shape[1:])

    @property
    def has_classes(self) -> bool:
        return not self.train_part.targets.is_floating_point()

    @property
    def output_size(self) -> int:
        """Numbers that the model puts out for a sample: one per class, or one."""
        return int(self.train_part.targets.max()) + 1 if self.has_classes else 1

    def train_dataloader(self) -> Batches:
        assert self.trainer is not None
        one_batch_again_and_again = bool(getattr(self.trainer, "overfit_batches", 0))
        return Batches(
            self._on_device(self.train_part),
            self.batch_size,
            shuffle_seed=None if one_batch_again_and_again else self.seed,
        )

    def val_dataloader(self) -> Batches:
        return Batches(self._on_device(self.val_part), EVALUATION_BATCH_SIZE)

    def test_dataloader(self) -> Batches:
        return Batches(self._on_device(self.test_part), EVALUATION_BATCH_SIZE)

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        """Leave the batch alone: it was sliced from tensors that lie on the device."""
        return batch

    def _on_device(self, part: Part) -> Part:
        assert self.trainer is not None
        return part.to(self.trainer.strategy.root_device)
