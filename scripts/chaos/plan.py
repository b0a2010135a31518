"""Which faults meet a sweep, and when: all of it follows from the seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

# What --faults may name: kills of a worker or the sweep, half of them with a torn last line of the journal; steps of
# the clock; damaged bytes in the journal; workers that are stopped, for good or for a while; a full disk.
FAULTS = ("kills", "clock", "bytes", "stops", "disk")
# What share of the faults that were asked for have to meet a running trial.
MIN_SHARE_THAT_MEETS = 0.5


@dataclass(frozen=True)
class Fault:
    """What the seed says about one fault.

    epochs: to be reported since the fault before; which, how: numbers in [0, 1) that pick the victim and the variant.
    """

    name: str
    epochs: int
    which: float
    how: float
    is_torn: bool


def draw_plan(seed: int, faults: Collection[str], kills: int, each: int, epochs: tuple[int, int]) -> list[Fault]:
    """Return the faults in their order: so many kills, and so many of each other kind among them."""
    source = random.Random(seed)
    names = ["kills"] * kills * ("kills" in faults)
    names += [name for name in FAULTS[1:] if name in faults for _ in range(each)]
    source.shuffle(names)
    return [
        Fault(name, source.randint(*epochs), source.random(), source.random(), source.random() < 0.5) for name in names
    ]


def vacuous(plan: Sequence[Fault], num_met: Mapping[str, int]) -> list[str]:
    """Return why a run proves nothing: fewer than half of the faults of a kind met a running trial."""
    asked = Counter(fault.name for fault in plan)
    return [
        f"vacuous: {num_met[name]} of {number} {name} met a running trial, fewer than {MIN_SHARE_THAT_MEETS:.0%}"
        for name, number in asked.items()
        if num_met[name] < MIN_SHARE_THAT_MEETS * number
    ]
