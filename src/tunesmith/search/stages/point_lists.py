"""The points of a stage: of a grid, around the best, and one key at a time."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tunesmith.search.space.dimension import Params

Values = Mapping[str, Sequence[Any]]


def grid_points(values: Values, most: int, seed: int) -> Iterator[Params]:
    """Yield the points of a grid in its order, the last key varying fastest; of a larger grid some, drawn by the seed.

    most: how many are wanted. The points that are drawn for a smaller number are the first of those for a larger one.
    """
    lengths = [len(each) for each in values.values()]
    size = math.prod(lengths)
    for place in range(size) if size <= most else _draw(size, most, random.Random(seed)):
        yield _point(values, place)


def _draw(size: int, most: int, generator: random.Random) -> Iterator[int]:
    """Yield most different numbers below size, of which a list need not fit in memory."""
    drawn: set[int] = set()
    while len(drawn) < most:
        place = generator.randrange(size)
        if place not in drawn:
            drawn.add(place)
            yield place


def _point(values: Values, place: int) -> Params:
    found = []
    for each in reversed(list(values.values())):
        place, index = divmod(place, len(each))
        found.append(each[index])
    return dict(zip(values, reversed(found), strict=True))


def points_around(centre: Params, near: Values) -> Iterator[Params]:
    """Yield the centre and the points that differ from it: first in one key, then in two, and so on.

    near: for each key the values beside the centre's.
    """
    for num_changed in range(len(near) + 1):
        for keys in itertools.combinations(near, num_changed):
            for values in itertools.product(*(near[key] for key in keys)):
                yield {**centre, **dict(zip(keys, values, strict=True))}


def one_at_a_time(base: Params, values: Values) -> Iterator[Params]:
    """Yield the base and the points that differ from it in one key: the first value of each key, then the second."""
    yield dict(base)
    for index in range(max(map(len, values.values()), default=0)):
        for key, each in values.items():
            if index < len(each):
                yield {**base, key: each[index]}
