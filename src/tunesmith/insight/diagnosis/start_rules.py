"""Rules on the state before the first step: outputs, scale, initial weights, and the signal through the layers."""

from __future__ import annotations

from tunesmith.insight.diagnosis.finding import Finding
from tunesmith.insight.diagnosis.layers import rows_at, zero_layers
from tunesmith.insight.diagnosis.training_facts import TrainingFacts


def find_zero_weights(facts: TrainingFacts) -> Finding | None:
    """All weights of two or more layers are zero: units of a layer stay equal, and no gradient passes.

    One layer alone may begin at zero on purpose, as the last one of a residual block or of the net.
    """
    zero, all_layers = zero_layers(facts, 0), rows_at(facts, 0)
    if len(zero) < 2:
        return None
    return Finding(
        "zero_weights",
        f"zero weights: {len(zero)} of {len(all_layers)} layers begin with weights that are all zero"
        ", and no gradient passes them",
        {"zero_layers": float(len(zero)), "layers": float(len(all_layers))},
        threshold="weights of two or more layers that are all zero before the first step",
        source="Goodfellow, Bengio, Courville, Deep Learning (2016), 8.4: initial weights must break symmetry",
        gains="metric",
    )
