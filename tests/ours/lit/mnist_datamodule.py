"""A data module as a user of lightning-hydra-template writes it; random images instead of a download."""

from typing import Any

import torch
from lightning import LightningDataModule
from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split


class MNISTDataModule(LightningDataModule):
    def __init__(
        self, train_val_test_split: tuple[int, int, int], batch_size: int, num_workers: int, pin_memory: bool
    ) -> None:
        super().__init__()
        self.save_hyperparameters(logger=False)
        self.data_train: Dataset[Any] | None = None
        self.batch_size_per_device = batch_size

    @property
    def num_classes(self) -> int:
        return 10

    def setup(self, stage: str | None = None) -> None:
        if self.trainer is not None:
            self.batch_size_per_device = self.hparams.batch_size // self.trainer.world_size
        if self.data_train is None:
            draw = torch.Generator().manual_seed(42)
            size = sum(self.hparams.train_val_test_split)
            images, labels = torch.randn(size, 1, 28, 28, generator=draw), torch.arange(size) % 10
            parts = random_split(TensorDataset(images, labels), self.hparams.train_val_test_split, generator=draw)
            self.data_train, self.data_val, self.data_test = parts

    def train_dataloader(self) -> DataLoader[Any]:
        return self.loader(self.data_train, shuffle=True)

    def val_dataloader(self) -> DataLoader[Any]:
        return self.loader(self.data_val, shuffle=False)

    def test_dataloader(self) -> DataLoader[Any]:
        return self.loader(self.data_test, shuffle=False)

    def loader(self, part: Any, shuffle: bool) -> DataLoader[Any]:
        return DataLoader(
            dataset=part,
            batch_size=self.batch_size_per_device,
            num_workers=self.hparams.num_workers,
            pin_memory=self.hparams.pin_memory,
            shuffle=shuffle,
        )

    def teardown(self, stage: str | None = None) -> None:
        pass

    def state_dict(self) -> dict[Any, Any]:
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        pass
