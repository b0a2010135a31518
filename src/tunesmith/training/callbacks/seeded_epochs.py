"""Random numbers of an epoch, for data modules whose loaders are not ours."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities import CombinedLoader

from tunesmith.training.ddp.ranks import seed_generators

log = logging.getLogger(__name__)


class SeededEpochs(L.Callback):
    """Seeds all random generators from (seed, epoch, rank) before an epoch's batches are drawn.

    A resumed run then draws the same batches, augmentations and dropout masks as an unbroken one: workers of a
    DataLoader are seeded by the main process when an epoch's iterator is made.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Seed the first epoch, whose iterator Lightning makes before on_train_epoch_start."""
        seed_generators(self.seed, trainer.current_epoch, trainer.global_rank)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        loop, loader = trainer.fit_loop, trainer.fit_loop._combined_loader
        assert loader is not None
        seed_generators(self.seed, trainer.current_epoch, trainer.global_rank)
        for generator in own_generators(loader):
            generator.manual_seed(torch.initial_seed() % 2**63)
        if trainer.current_epoch > 0 and (loop.is_resuming or loop.epoch_loop.restarting):
            # Lightning 2.6.6 keeps the iterator that it made in setup_data for a resumed run's first epoch.
            assert loop._data_fetcher is not None
            iter(loop._data_fetcher)

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        loader = trainer.fit_loop._combined_loader
        if trainer.current_epoch == 0 or loader is None or not trainer.is_global_zero:
            return
        for reason in unknown_states(loader):
            log.warning("resumed, but not to the numbers of an unbroken run: %s", reason)


def own_generators(loader: CombinedLoader) -> Iterator[torch.Generator]:
    """Yield the generators that loaders and their samplers hold."""
    seen: set[int] = set()
    for one in loader.flattened:
        for holder in _holders(one):
            generator = getattr(holder, "generator", None)
            if isinstance(generator, torch.Generator) and id(generator) not in seen:
                seen.add(id(generator))
                yield generator


def unknown_states(loader: CombinedLoader) -> Iterator[str]:
    """Yield what keeps random state that neither seeds nor checkpoints reach."""
    for one in loader.flattened:
        if getattr(one, "persistent_workers", False):
            yield "the loader's persistent workers keep random state of their own (persistent_workers=False mends it)"
        for holder in (*_holders(one), getattr(one, "dataset", None)):
            if holder is None or hasattr(holder, "state_dict"):
                continue
            named = [name for name, value in vars(holder).items() if _is_generator(value) and name != "generator"]
            if named:
                yield f"{type(holder).__name__}.{named[0]} is a random generator of its own, without a state_dict"


def _holders(loader: Any) -> tuple[Any, ...]:
    batch_sampler = getattr(loader, "batch_sampler", None)
    found = (loader, getattr(loader, "sampler", None), batch_sampler, getattr(batch_sampler, "sampler", None))
    return tuple({id(holder): holder for holder in found if holder is not None}.values())


def _is_generator(value: Any) -> bool:
    import random

    import numpy as np

    return isinstance(value, torch.Generator | random.Random | np.random.Generator | np.random.RandomState)
