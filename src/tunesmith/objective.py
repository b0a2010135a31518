"""The objective: the one metric that early stopping, checkpoint, scheduler, pruner and study follow."""

from __future__ import annotations

import math
from dataclasses import dataclass

WORST = {"min": math.inf, "max": -math.inf}


@dataclass(frozen=True)
class Objective:
    """A metric's name, such as val/loss, and its mode: "min" if less is better, "max" if more is better."""

    metric: str
    mode: str

    def is_better(self, value: float, than: float) -> bool:
        """Compare two values; NaN is never better."""
        return value < than if self.mode == "min" else value > than


@dataclass
class BestSoFar:
    """The best value of one run so far and the epoch (from 1) that reached it; epoch 0: none yet."""

    objective: Objective
    value: float = math.nan
    epoch: int = 0

    def update(self, value: float, epoch: int) -> bool:
        """Record one epoch's value; return whether it is the best so far."""
        than = self.value if self.epoch else WORST[self.objective.mode]
        if not self.objective.is_better(value, than):
            return False
        self.value, self.epoch = value, epoch
        return True

    def state_dict(self) -> dict[str, float | int]:
        return {"value": self.value, "epoch": self.epoch}

    def load_state_dict(self, state: dict[str, float | int]) -> None:
        self.value, self.epoch = float(state["value"]), int(state["epoch"])
