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
    """The best value of one run so far and the epoch (from 1) that reached it; epoch 0: none yet.

    step: of the optimizer, counted over the run, if an epoch may have several validations; else None.
    """

    objective: Objective
    value: float = math.nan
    epoch: int = 0
    step: int | None = None

    def update(self, value: float, epoch: int, step: int | None = None) -> bool:
        """Record one epoch's or validation's value; return whether it is the best so far."""
        if not self.would_be(value):
            return False
        self.value, self.epoch, self.step = value, epoch, step
        return True

    def would_be(self, value: float) -> bool:
        """Whether a value is better than the best so far."""
        return self.objective.is_better(value, self.value if self.epoch else WORST[self.objective.mode])

    def state_dict(self) -> dict[str, float | int]:
        return {"value": self.value, "epoch": self.epoch, **({} if self.step is None else {"step": self.step})}

    def load_state_dict(self, state: dict[str, float | int]) -> None:
        self.value, self.epoch = float(state["value"]), int(state["epoch"])
        self.step = int(state["step"]) if "step" in state else None
