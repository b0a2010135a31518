"""Data of the shapes that the published programs have, made from a seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

Arrays = tuple[NDArray[np.floating], NDArray[np.generic]]
Maker = Callable[[Generator], Arrays]
# Of the data: this and the run's own seed.
FIRST_SEED = 100


def make_arrays(maker: Maker, seed: int) -> Arrays:
    """Return inputs (rows, columns) and targets (rows,): whole numbers are classes, floats numbers to predict."""
    return maker(default_rng(FIRST_SEED + seed))


def write_data(maker: Maker, seed: int, path: Path) -> None:
    """Write a program's data as an npz file."""
    inputs, targets = make_arrays(maker, seed)
    np.savez(path, inputs=inputs, targets=targets)


def mnist_raw(draws: Generator) -> Arrays:
    """Pixels 0..255 of 5000 digits; in another order for each seed, so that the parts differ."""
    from tunesmith.data.sources.images import Mnist5k

    arrays = Mnist5k().load()
    order = draws.permutation(len(arrays.targets))
    return np.asarray(arrays.inputs).reshape(len(order), -1)[order] * 255, np.asarray(arrays.targets)[order]


def xor(draws: Generator) -> Arrays:
    corners = draws.integers(0, 2, (200, 2))
    return corners + draws.normal(0, 0.1, corners.shape), (corners[:, 0] ^ corners[:, 1]).astype(float)


def signed(draws: Generator) -> Arrays:
    inputs = draws.normal(0.5, 0.7, (100, 2))
    return inputs, 0.9 * inputs[:, 0] - inputs[:, 1] + 0.2 + draws.normal(0, 0.2, 100)


def ones_or_zeros(draws: Generator) -> Arrays:
    classes = draws.integers(0, 2, 2000)
    return classes[:, None] + draws.normal(0, 0.01, (2000, 128)), classes


def cubic_noise(draws: Generator) -> Arrays:
    inputs = np.linspace(0, 5, 50)
    return inputs[:, None], 5 * inputs**2 + draws.normal(0, 1, 50) ** 3


def parabola(draws: Generator) -> Arrays:
    inputs = draws.permutation(np.linspace(-10, 10, 201))
    return inputs[:, None], inputs**2 + 3


def packets(draws: Generator) -> Arrays:
    """Addresses as numbers, ports, counts, flags, constants; a small column tells the classes but for every tenth."""
    num = 100
    classes = draws.integers(0, 2, num)
    told = np.where(draws.random(num) < 0.1, 1 - classes, classes)
    columns = [
        3_232_235_000 + draws.integers(0, 1000, num),
        3_232_235_000 + draws.integers(0, 1000, num),
        draws.integers(1024, 57_000, num),
        draws.choice([53, 80, 443, 8080], num),
        np.full(num, 6),
        draws.integers(40, 1500, num),
        told * 2 + draws.integers(0, 2, num),
        draws.integers(0, 2, num),
        np.zeros(num),
        draws.integers(1, 64, num),
        np.ones(num),
    ]
    return np.stack(columns, axis=1).astype(float), classes


def threshold(draws: Generator) -> Arrays:
    inputs = draws.uniform(15_000, 25_000, 1000)
    is_flipped = draws.random(1000) < 0.1
    return inputs[:, None], ((inputs > 20_000) ^ is_flipped).astype(float)


def three_gaussians(draws: Generator) -> Arrays:
    classes = draws.integers(0, 3, 300)
    return draws.normal(0, 1.2, (3, 4))[classes] + draws.normal(0, 1, (300, 4)), classes


def polynomial(draws: Generator) -> Arrays:
    inputs = draws.uniform(-1, 1, 400)
    return inputs[:, None], 4 * inputs**3 - 2.5 * inputs + 0.5 + draws.normal(0, 0.05, 400)


def prices(draws: Generator) -> Arrays:
    areas = draws.uniform(500, 5000, 300)
    return areas[:, None], 150 * areas + 40_000 + draws.normal(0, 30_000, 300)


def game_of_life(draws: Generator) -> Arrays:
    cells = draws.integers(0, 2, (8000, 9))
    neighbours = cells.sum(axis=1) - cells[:, 4]
    return cells.astype(float), ((neighbours == 3) | ((neighbours == 2) & (cells[:, 4] == 1))).astype(int)


def passengers(draws: Generator) -> Arrays:
    """Codes of names and tickets, which mean nothing, beside class, sex, age, relatives, fare and port."""
    num = 891
    is_female, ticket_class = draws.integers(0, 2, num), draws.integers(1, 4, num)
    columns = [
        draws.permutation(num),
        draws.integers(0, 680, num),
        ticket_class,
        is_female,
        draws.integers(1, 80, num),
        draws.integers(0, 6, num),
        draws.integers(0, 6, num),
        draws.integers(0, 248, num),
        draws.integers(0, 148, num),
        draws.integers(0, 3, num),
    ]
    score = 2.4 * is_female - 1.1 * (ticket_class - 2) - 1.6 + draws.logistic(0, 1, num)
    return np.stack(columns, axis=1).astype(float), (score > 0).astype(int)


def sine(draws: Generator) -> Arrays:
    inputs = draws.uniform(0, 10, 1000)
    return inputs[:, None], np.sin(inputs)
