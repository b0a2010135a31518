"""Data modules and loaders that are not ours, as users write them: 64 points of 8 numbers, two classes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, Sampler

FEATURES = 8


def points(number: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return inputs (number, 8) float32 and classes (number,) int64."""
    inputs = torch.randn(number, FEATURES, generator=torch.Generator().manual_seed(seed))
    return inputs, (inputs[:, 0] > 0).long()


class Noisy(Dataset[tuple[Tensor, Tensor]]):
    """Adds noise of all three generators to every sample that is read."""

    def __init__(self, number: int, seed: int) -> None:
        self.inputs, self.classes = points(number, seed)

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        noise = 0.1 * torch.randn(FEATURES) + 0.1 * random.gauss(0, 1) + 0.1 * float(np.random.randn())
        return self.inputs[index] + noise, self.classes[index]


class Points(L.LightningDataModule):
    """A data module with DataLoaders of random augmentation."""

    def __init__(
        self,
        batch_size: int = 16,
        num_workers: int = 0,
        persistent_workers: bool = False,
        has_generator: bool = False,
        sampler: str | None = None,
    ) -> None:
        """has_generator: loaders are given a torch.Generator; sampler: the name of one of the samplers here."""
        super().__init__()
        self.save_hyperparameters()

    def setup(self, stage: str) -> None:
        self.parts = {name: Noisy(number, seed) for seed, (name, number) in enumerate(SIZES.items())}

    def train_dataloader(self) -> Any:
        sampler = None if self.hparams.sampler is None else SAMPLERS[self.hparams.sampler](self.parts["train"])
        return self.loader("train", sampler=sampler, shuffle=sampler is None)

    def val_dataloader(self) -> Any:
        return self.loader("val")

    def test_dataloader(self) -> Any:
        return self.loader("test")

    def loader(self, part: str, **options: Any) -> DataLoader[Any]:
        return DataLoader(
            self.parts[part],
            self.hparams.batch_size,
            num_workers=self.hparams.num_workers,
            persistent_workers=self.hparams.persistent_workers,
            generator=torch.Generator().manual_seed(3) if self.hparams.has_generator else None,
            **options,
        )


SIZES = {"train": 64, "val": 32, "test": 32}


class WithGenerator(Sampler[int]):
    """Draws an order with a generator of its own, which it keeps as torch's samplers do."""

    def __init__(self, dataset: Noisy) -> None:
        self.dataset = dataset
        self.generator = torch.Generator().manual_seed(1)

    def __len__(self) -> int:
        return len(self.dataset)

    def __iter__(self) -> Iterator[int]:
        yield from torch.randperm(len(self.dataset), generator=self.generator).tolist()


class WithHiddenGenerator(WithGenerator):
    """The same with a generator of NumPy, which nobody knows of."""

    def __init__(self, dataset: Noisy) -> None:
        self.dataset = dataset
        self.rng = np.random.default_rng(1)

    def __iter__(self) -> Iterator[int]:
        yield from self.rng.permutation(len(self.dataset)).tolist()


SAMPLERS = {"generator": WithGenerator, "hidden": WithHiddenGenerator}


class TrainPart(Points):
    """Has no validation and no test part."""

    val_dataloader = L.LightningDataModule.val_dataloader
    test_dataloader = L.LightningDataModule.test_dataloader


class EmptyValidation(Points):
    """Says by an empty list that there is no validation part."""

    def val_dataloader(self) -> Any:
        return []


class TwoValidations(Points):
    def val_dataloader(self) -> Any:
        return [self.loader("val"), self.loader("test")]


def as_dicts(samples: list[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    inputs, classes = zip(*samples, strict=True)
    return {"inputs": torch.stack(inputs), "classes": torch.stack(classes)}


class Dicts(Points):
    """Its batches are dicts."""

    def loader(self, part: str, **options: Any) -> DataLoader[Any]:
        return super().loader(part, collate_fn=as_dicts, **options)


class Endless(IterableDataset[tuple[Tensor, Tensor]]):
    """A stream without a length, of so many samples at most."""

    def __init__(self, most: int | None) -> None:
        self.most = most

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        number = 0
        while self.most is None or number < self.most:
            sample = torch.randn(FEATURES)
            yield sample, (sample[0] > 0).long()
            number += 1


class Scaled(Points):
    """Fits a scale on its training part, and keeps it in checkpoints."""

    scale = 1.0

    def setup(self, stage: str) -> None:
        super().setup(stage)
        if stage == "fit":
            self.scale = float(self.parts["train"].inputs.std())

    def loader(self, part: str, **options: Any) -> DataLoader[Any]:
        self.parts[part].inputs = self.parts[part].inputs / self.scale
        return super().loader(part, **options)

    def state_dict(self) -> dict[str, Any]:
        return {"scale": self.scale}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.scale = state_dict["scale"]


class Stream(Points):
    """Trains on a stream."""

    def __init__(self, most: int | None = None, has_validation: bool = True) -> None:
        super().__init__()
        self.most, self.has_validation = most, has_validation

    def train_dataloader(self) -> Any:
        return DataLoader(Endless(self.most), batch_size=16)

    def val_dataloader(self) -> Any:
        return self.loader("val") if self.has_validation else []


class Remembering:
    """A loader of one's own, whose order has a state that it can tell."""

    def __init__(self) -> None:
        self.inputs, self.classes = points(64, 0)
        self.rng = np.random.default_rng(2)

    def __len__(self) -> int:
        return 4

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for chosen in self.rng.permutation(64).reshape(4, 16):
            yield self.inputs[chosen], self.classes[chosen]

    def state_dict(self) -> dict[str, Any]:
        return {"rng": {key: str(value) for key, value in self.rng.bit_generator.state["state"].items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        state_of = self.rng.bit_generator.state
        self.rng.bit_generator.state = {**state_of, "state": {key: int(text) for key, text in state["rng"].items()}}


class OwnLoader(Points):
    """Trains with a loader that is no DataLoader."""

    def train_dataloader(self) -> Any:
        return Remembering()
