"""Random numbers of an epoch: all generators are seeded when it starts."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from typing import Any

import lightning as L
import numpy as np
import torch

from tunesmith.training.draws import seed_generators

log = logging.getLogger(__name__)

GENERATORS = (torch.Generator, random.Random, np.random.Generator, np.random.RandomState)


class SeededEpochs(L.Callback):
    """Seeds all random generators from (seed, epoch, rank) before an epoch's batches are drawn.

    A resumed run then draws the same batches, augmentations and dropout masks as an unbroken one, and no checkpoint
    holds states of generators: workers of a DataLoader are seeded by the main process when an epoch's iterator is made.
    """

    # Lightning calls each callback's hooks at each step, empty ones too: 2 % of a step of a small net.
    on_train_batch_start = on_train_batch_end = None  # type: ignore[assignment]
    on_before_zero_grad = on_before_backward = on_after_backward = None  # type: ignore[assignment]
    on_before_optimizer_step = None  # type: ignore[assignment]

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Seed the first epoch, whose iterator Lightning makes before on_train_epoch_start."""
        seed_generators(self.seed, trainer.current_epoch, trainer.global_rank)

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Say what makes a resumed run differ."""
        if trainer.current_epoch == 0 or not trainer.is_global_zero:
            return
        for reason in dict.fromkeys(reason for loader in loaders(trainer) for reason in unknown_states(loader)):
            log.warning("resumed, perhaps not to the numbers of an unbroken run: %s", reason)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        seed_generators(self.seed, trainer.current_epoch, trainer.global_rank)
        for loader in loaders(trainer):
            for generator in own_generators(loader):
                generator.manual_seed(torch.initial_seed() % 2**63)
        loop = trainer.fit_loop
        if trainer.current_epoch > 0 and (loop.is_resuming or loop.epoch_loop.restarting):
            # Lightning 2.6.6 keeps the iterator that it made in setup_data for a resumed run's first epoch.
            assert loop._data_fetcher is not None
            iter(loop._data_fetcher)


def loaders(trainer: L.Trainer) -> Iterator[Any]:
    """Yield each loader of the training and the validation part, as far as they are there yet."""
    loop = trainer.fit_loop
    for combined in (loop._combined_loader, loop.epoch_loop.val_loop._combined_loader):
        yield from combined.flattened if combined is not None else ()


def own_generators(loader: Any) -> Iterator[torch.Generator]:
    """Yield the generators that a loader and its samplers hold as torch's own do: as their attribute `generator`."""
    found = [getattr(holder, "generator", None) for holder in _samplers(loader)]
    yield from {id(each): each for each in found if isinstance(each, torch.Generator)}.values()


def unknown_states(loader: Any) -> Iterator[str]:
    """Yield what keeps random state that neither seeds nor checkpoints reach; Lightning saves a loader's state_dict."""
    if hasattr(loader, "state_dict"):
        return
    is_persistent = getattr(loader, "persistent_workers", False)
    if is_persistent:
        yield "persistent workers of a loader keep random state of their own (persistent_workers=False mends it)"
    for holder in _samplers(loader):
        for name, value in _generators_of(holder):
            if not (name == "generator" and isinstance(value, torch.Generator)):
                yield _describe(holder, name)
    if is_persistent or not getattr(loader, "num_workers", 0):  # other workers get a new copy of the set each epoch
        for holder in _datasets(getattr(loader, "dataset", None)):
            for name, _ in _generators_of(holder):
                yield _describe(holder, name)


def _samplers(loader: Any) -> list[Any]:
    """Return a loader and its samplers."""
    batch_sampler = getattr(loader, "batch_sampler", None)
    found = (loader, getattr(loader, "sampler", None), batch_sampler, getattr(batch_sampler, "sampler", None))
    return list({id(holder): holder for holder in found if holder is not None}.values())


def _datasets(dataset: Any) -> Iterator[Any]:
    """Yield a data set and those that it wraps, as Subset and ConcatDataset do."""
    if dataset is not None:
        yield dataset
        for inner in (getattr(dataset, "dataset", None), *(getattr(dataset, "datasets", None) or ())):
            yield from _datasets(inner)


def _generators_of(holder: Any) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in getattr(holder, "__dict__", {}).items() if isinstance(value, GENERATORS)]


def _describe(holder: Any, name: str) -> str:
    return f"{type(holder).__name__}.{name} is a random generator whose state no checkpoint holds"
