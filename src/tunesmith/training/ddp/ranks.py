"""What a run on several devices needs of each of its processes."""

from __future__ import annotations

import random
import signal
from types import FrameType
from typing import NoReturn

import lightning as L
import numpy as np
import torch


class Ranks(L.Callback):
    """Gives each rank random numbers of its own, and SIGTERM to the first one alone; does nothing on one device.

    What a rank draws depends on seed, epoch and rank only: a resumed run needs no other rank's random states.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Replace Lightning's handler, which talks to the other ranks in the middle of what they are at."""
        if trainer.world_size > 1:
            signal.signal(signal.SIGTERM, _leave if trainer.local_rank == 0 else signal.SIG_IGN)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.world_size > 1:
            seed_generators(self.seed, trainer.current_epoch, trainer.global_rank)


def seed_generators(seed: int, epoch: int, rank: int) -> None:
    """Seed all generators for one epoch (from 0) of one rank."""
    mixed = np.random.SeedSequence((seed, epoch, rank)).generate_state(3)
    random.seed(int(mixed[0]))
    np.random.seed(int(mixed[1]))
    torch.manual_seed(int(mixed[2]))


def _leave(signum: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signum)
