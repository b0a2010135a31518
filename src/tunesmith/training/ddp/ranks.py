"""Random numbers and signals of each rank of a run on several devices."""

from __future__ import annotations

import random
import signal
from types import FrameType
from typing import NoReturn

import lightning as L
import numpy as np
import torch


class Ranks(L.Callback):
    """Seeds each rank differently at each epoch, and leaves SIGTERM to rank zero; does nothing on one device.

    A rank's random numbers depend on seed, epoch and rank only: a resumed run needs no saved states of other ranks.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Replace Lightning's handler of SIGTERM, which talks to the other ranks in the middle of their step."""
        if trainer.world_size > 1:
            signal.signal(signal.SIGTERM, _exit if trainer.local_rank == 0 else signal.SIG_IGN)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.world_size > 1:
            seed_generators(self.seed, trainer.current_epoch, trainer.global_rank)


def seed_generators(seed: int, epoch: int, rank: int) -> None:
    """Seed all random generators for one epoch (from 0) of one rank."""
    mixed = np.random.SeedSequence((seed, epoch, rank)).generate_state(3)
    random.seed(int(mixed[0]))
    np.random.seed(int(mixed[1]))
    torch.manual_seed(int(mixed[2]))


def _exit(signum: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signum)
