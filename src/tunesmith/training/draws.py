"""Random numbers of an epoch: dropout, augmentation, and whatever else a model or data set draws."""

from __future__ import annotations

import random

import numpy as np
import torch


def seed_generators(seed: int, epoch: int, rank: int) -> None:
    """Seed the generators of Python, NumPy and torch (those of GPUs, too) for one epoch (from 0) of one rank.

    What an epoch draws then depends on nothing that was drawn before it: a resumed run draws what an unbroken one does.
    """
    mixed = np.random.SeedSequence((seed, epoch, rank)).generate_state(3)
    random.seed(int(mixed[0]))
    np.random.seed(int(mixed[1]))
    if torch.accelerator.is_available():
        torch.manual_seed(int(mixed[2]))
    else:
        torch.default_generator.manual_seed(int(mixed[2]))  # torch.manual_seed takes .5 ms to note it for other devices
