"""Random numbers of an epoch: dropout, augmentation, and whatever else a model or data set draws."""

from __future__ import annotations

import random

import numpy as np
import torch


def seed_generators(seed: int, epoch: int, rank: int) -> None:
    """Seed the generators of Python, NumPy and torch (those of GPUs, too) for one epoch (from 0) of one rank.

    What an epoch draws then depends on nothing that was drawn before it: a resumed run draws what an unbroken one does.
    """
    _seed(*map(int, np.random.SeedSequence((seed, epoch, rank)).generate_state(3)))


def seed_everything(seed: int) -> None:
    """Seed the same generators as lightning.seed_everything does."""
    _seed(seed, seed, seed)


def _seed(of_python: int, of_numpy: int, of_torch: int) -> None:
    """torch.manual_seed takes .3 ms, half an epoch's bookkeeping, where there is no GPU."""
    random.seed(of_python)
    np.random.seed(of_numpy)
    if torch.accelerator.is_available():
        torch.manual_seed(of_torch)
    else:
        torch.default_generator.manual_seed(of_torch)
