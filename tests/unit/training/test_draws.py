"""Random numbers of an epoch: the same for the same seed, epoch and rank, others for another."""

from __future__ import annotations

import random
from functools import partial

import lightning as L
import numpy as np
import pytest
import torch

from tunesmith.training.draws import seed_everything, seed_generators


def drawn(seed: int, epoch: int, rank: int) -> list[float]:
    seed_generators(seed, epoch, rank)
    return [random.random(), float(np.random.rand()), float(torch.rand(()))]


def test_an_epoch_of_a_rank_draws_the_same_again() -> None:
    assert drawn(0, 5, 1) == drawn(0, 5, 1)


@pytest.mark.parametrize("other", [(1, 0, 0), (0, 1, 0), (0, 0, 1)], ids=["seed", "epoch", "rank"])
def test_each_generator_draws_other_numbers_for_another(other: tuple[int, int, int]) -> None:
    assert all(one != two for one, two in zip(drawn(0, 0, 0), drawn(*other), strict=True))


def test_a_run_is_seeded_as_by_lightning() -> None:
    drawn = []
    for seed in (seed_everything, partial(L.seed_everything, verbose=False)):
        seed(12345)
        drawn.append((random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()))
    assert drawn[0] == drawn[1]
