"""Rules on the steps of the optimizer: too long, too short, or out of bounds."""

from __future__ import annotations

import math

from tunesmith.insight.diagnosis.curves import late_gain, learned_on_val, val_losses
from tunesmith.insight.diagnosis.finding import Finding
from tunesmith.insight.diagnosis.layers import update_ratio
from tunesmith.insight.diagnosis.training_facts import TrainingFacts

MEASURED = "measured, docs/diagnosis.md"
# Healthy runs move the weights by 1.8e-3 to 1.2e-2 of their size in a step; a rate / 1000 by about 1e-5.
LEAST_UPDATE = 4e-4


def find_diverged(facts: TrainingFacts) -> Finding | None:
    """The loss is no number any more, and nothing before the first step explains it."""
    rows = [
        (row["epoch"], name)
        for row in facts.epochs
        for name in ("train/loss", "val/loss")
        if not math.isfinite(row.get(name, 0.0))
    ]
    if not rows:
        return None
    epoch, name = rows[0]
    return Finding(
        "diverged",
        f"diverged: {name} is no finite number at epoch {epoch:.0f}",
        {"epoch": epoch},
        threshold="a loss that is NaN or infinite",
        source="REQUIREMENTS E, not learning",
        one_of=("diverged", "learning_rate_too_high"),
        gains="metric",
    )


def find_too_low_rate(facts: TrainingFacts) -> Finding | None:
    """Steps hardly move the weights, and the loss still falls."""
    update, gain, learn = update_ratio(facts), late_gain(val_losses(facts)), learned_on_val(facts)
    if update is None or not 0 < update < LEAST_UPDATE or learn is None or learn > 0.9:
        return None
    end = "" if gain is None else f", and the second half of the epochs still took {gain:.2g} of the prior loss off"
    return Finding(
        "learning_rate_too_low",
        f"learning rate too low: a step moves the weights by {update:.1e} of their size"
        f" (healthy runs: 2e-3 to 1e-2){end}",
        {"update_ratio": update, "learned_on_val": learn},
        threshold=f"update/weight ratio below {LEAST_UPDATE:.0e}",
        source=MEASURED,
        gains="metric",
    )
