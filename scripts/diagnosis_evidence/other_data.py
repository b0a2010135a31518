"""Data for faulty programs that nobody has published, of other shapes than those of the published ones."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from program_data import Arrays


def returns(draws: Generator) -> Arrays:
    """Small signed numbers of five signals: daily returns in percent."""
    signals = draws.normal(0, 1, (240, 5))
    return signals, signals @ [0.8, -0.6, 0.4, 0, 0] - 0.3 + draws.normal(0, 0.4, 240)


def temperatures(draws: Generator) -> Arrays:
    """Degrees by hour, season and height, all of them scaled to -1..1."""
    inputs = draws.uniform(-1, 1, (400, 3))
    hour, season, height = inputs.T
    return inputs, 15 + 8 * season + 4 * np.sin(3 * hour) - 5 * height + draws.normal(0, 1, 400)


def ages(draws: Generator) -> Arrays:
    """Years 18..80 by six scores."""
    scores = draws.normal(0, 1, (350, 6))
    return scores, np.clip(48 + scores @ [9, 6, -5, 3, 0, 0] + draws.normal(0, 4, 350), 18, 80)


def salaries(draws: Generator) -> Arrays:
    """Money a year, 20,000 and more, by seven scaled columns."""
    inputs = draws.normal(0, 1, (500, 7))
    return inputs, 60_000 + inputs @ [12_000, 8_000, -6_000, 4_000, 0, 0, 0] + draws.normal(0, 5_000, 500)


def customers(draws: Generator) -> Arrays:
    """Seven columns of about 1, and an income of 20,000 to 90,000 that says little; two classes."""
    inputs = draws.normal(0, 1, (600, 7))
    income = draws.normal(50_000, 15_000, 600)
    score = inputs @ [1.5, -1.2, 1, 0.5, 0, 0, 0] + (income - 50_000) / 50_000
    return np.column_stack([inputs, income]), (score + draws.logistic(0, 0.4, 600) > 0).astype(int)


def identified(draws: Generator) -> Arrays:
    """Three columns that tell four classes, a running number up to a million and a postcode."""
    classes = draws.integers(0, 4, 480)
    told = draws.normal(0, 1.6, (4, 3))[classes] + draws.normal(0, 0.6, (480, 3))
    codes = [draws.permutation(1_000_000)[:480], draws.integers(10_000, 99_999, 480)]
    return np.column_stack([told, *codes]), classes


def sensor(draws: Generator) -> Arrays:
    """A reading by the time in seconds since 1970 and two further signals."""
    times = 1.6e9 + np.sort(draws.uniform(0, 1e6, 500))
    signals = draws.normal(0, 1, (500, 2))
    phase = 2 * np.pi * (times - 1.6e9) / 1e6
    return np.column_stack([times, signals]), np.sin(phase) + signals @ [0.7, -0.5] + draws.normal(0, 0.1, 500)


def circles(draws: Generator) -> Arrays:
    """Two classes, one around the other."""
    classes = draws.integers(0, 2, 500)
    angles = draws.uniform(0, 2 * np.pi, 500)
    radius = 0.6 + 0.9 * classes + draws.normal(0, 0.12, 500)
    return np.column_stack([radius * np.cos(angles), radius * np.sin(angles)]), classes


def quadrants(draws: Generator) -> Arrays:
    """Numbers with a sign: the product of two of three columns."""
    inputs = draws.uniform(-1.5, 1.5, (600, 3))
    return inputs, inputs[:, 0] * inputs[:, 1] + draws.normal(0, 0.05, 600)


def moons_as_numbers(draws: Generator) -> Arrays:
    """Two half moons, their class as a number 0.0 or 1.0."""
    classes = draws.integers(0, 2, 300)
    angles = draws.uniform(0, np.pi, 300)
    turn = 1 - 2 * classes
    inputs = np.column_stack([turn * np.cos(angles) + classes, turn * np.sin(angles) + 0.5 * classes])
    return inputs + draws.normal(0, 0.12, inputs.shape), classes.astype(float)


def few_rows(draws: Generator) -> Arrays:
    """80 rows of 25 columns, two of which say half of what there is to say."""
    inputs = draws.normal(0, 1, (80, 25))
    return inputs, inputs[:, 0] - 0.8 * inputs[:, 1] + draws.normal(0, 1, 80)


def coin(draws: Generator) -> Arrays:
    """60 columns of 0 and 1 that say nothing of the class."""
    return draws.integers(0, 2, (400, 60)).astype(float), draws.integers(0, 2, 400)


def told_coin(draws: Generator) -> Arrays:
    """The same columns, three of which tell the class by their majority, but for every tenth row."""
    inputs = draws.integers(0, 2, (400, 60))
    is_flipped = draws.random(400) < 0.1
    return inputs.astype(float), ((inputs[:, :3].sum(axis=1) > 1) ^ is_flipped).astype(int)


def five_blobs(draws: Generator) -> Arrays:
    """Five classes in ten dimensions."""
    classes = draws.integers(0, 5, 700)
    return draws.normal(0, 1, (5, 10))[classes] + draws.normal(0, 0.8, (700, 10)), classes
