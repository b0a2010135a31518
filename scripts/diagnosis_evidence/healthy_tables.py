"""Tables for the held-out healthy runs: categories, noise, few rows, a series in time, several labels; all drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

SEED = 18


def mixed(path: Path) -> None:
    """Draw three classes of unequal size, told by numbers and two categories; a tenth of one column is missing."""
    random = np.random.default_rng(SEED)
    rows = 900
    numbers = random.normal(size=(rows, 4))
    region, kind = random.choice(list("abcd"), rows), random.choice(["new", "used", "rent"], rows)
    score = numbers[:, 0] + 0.7 * numbers[:, 1] * (kind == "new") + (region == "a") - 0.5 * (region == "d")
    score += 0.3 * random.normal(size=rows)
    y = np.digitize(score, [0.0, 1.2])
    frame = pd.DataFrame(numbers, columns=list("pqrs")).assign(region=region, kind=kind)
    frame.loc[random.random(rows) < 0.1, "r"] = np.nan
    _write(path, frame.assign(y=np.array(["low", "middle", "high"])[y]))


def prices(path: Path) -> None:
    """Draw prices in thousands with a skewed area, a category, and a few outliers."""
    random = np.random.default_rng(SEED)
    rows = 700
    area, age = random.lognormal(4.5, 0.4, rows), random.integers(0, 80, rows)
    town = random.choice(["north", "south", "centre"], rows)
    price = 2.2 * area * (1 + 0.4 * (town == "centre")) - 0.8 * age + 20 * random.standard_t(3, rows)
    _write(path, pd.DataFrame({"area": area.round(1), "age": age, "town": town, "price": price.round(1)}))


def noisy(path: Path) -> None:
    """Draw a linear target of which no model can explain more than about a third of the variance."""
    random = np.random.default_rng(SEED)
    inputs = random.normal(size=(800, 8))
    y = inputs @ np.array([0.5, -0.4, 0.3, 0, 0, 0, 0.2, 0]) + random.normal(size=800)
    _write(path, pd.DataFrame(inputs, columns=[f"x{index}" for index in range(8)]).assign(y=y))


def small(path: Path) -> None:
    """Draw 60 rows of two classes that two of four columns tell."""
    random = np.random.default_rng(SEED)
    inputs = random.normal(size=(60, 4))
    y = inputs[:, 0] + inputs[:, 1] + 0.4 * random.normal(size=60) > 0
    _write(path, pd.DataFrame(inputs, columns=list("abcd")).assign(y=np.where(y, "yes", "no")))


def series(path: Path) -> None:
    """Draw a month's cycle with a week's, noise, and the last three days as inputs; no trend.

    With a year's cycle in place of the month's, the test part is a season of its own: a shift, which is found as such.
    """
    random = np.random.default_rng(SEED)
    days = np.arange(1100)
    noise = random.normal(size=len(days))
    y = np.sin(2 * np.pi * days / 28) + 0.5 * np.sin(2 * np.pi * days / 7) + 0.3 * noise
    frame = pd.DataFrame({"day": days, "y": y, "weekday": days % 7})
    for lag in (1, 2, 3):
        frame[f"lag{lag}"] = frame.y.shift(lag)
    _write(path, frame.dropna())


def labels(path: Path) -> None:
    """Draw 600 rows with three labels each, of which every one is there in a third to a half of the rows."""
    random = np.random.default_rng(SEED)
    inputs = random.normal(size=(600, 6)).astype(np.float32)
    scores = inputs @ random.normal(size=(6, 3)) + 0.5 * random.normal(size=(600, 3)) - np.array([0.0, 0.5, 1.0])
    np.savez(path, inputs=inputs, targets=(scores > 0).astype(np.float32))


def _write(path: Path, table: pd.DataFrame) -> None:
    table.to_csv(path, index=False)
