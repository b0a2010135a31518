"""The LightningDataModule over any source of arrays."""

from __future__ import annotations

import lightning as L
import torch

from tunesmith.data.array_data import ArrayData
from tunesmith.data.batches import Batch, Batches


class DataModule(ArrayData, L.LightningDataModule):
    """Training, validation and test split of a source: tensors on the trainer's device, or rows that stay in a file."""

    def train_dataloader(self) -> Batches:
        one_batch_again_and_again = bool(getattr(self.trainer, "overfit_batches", 0))
        return self._share("train", keeps_order=one_batch_again_and_again)

    def val_dataloader(self) -> Batches:
        return self._share("val")

    def test_dataloader(self) -> Batches:
        return self._share("test")

    def predict_dataloader(self) -> Batches:
        """The test split."""
        return self.test_dataloader()

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        """Leave the batch alone: it was sliced from tensors on the device."""
        return batch

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        assert self.trainer is not None
        return self.augment(batch) if self.trainer.training else batch

    def _share(self, part: str, keeps_order: bool = False) -> Batches:
        trainer = self.trainer
        assert trainer is not None
        device = trainer.strategy.root_device
        return self.batches(part, device, trainer.global_rank, trainer.world_size, keeps_order)
