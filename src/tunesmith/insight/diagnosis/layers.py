"""Features of a training's layers: how far a step moves them, what gradient arrives, which units are dead."""

from __future__ import annotations

from statistics import median

from tunesmith.insight.diagnosis.training_facts import LayerRow, TrainingFacts


def rows_at(facts: TrainingFacts, epoch: int) -> list[LayerRow]:
    """Return the rows of an epoch, the first layer first; epoch 0: the training's begin."""
    return [row for row in facts.layers if row.epoch == epoch]


def update_ratio(facts: TrainingFacts) -> float | None:
    """Return the share of their size by which a step moves the weights: median over layers and the first third."""
    epochs = sorted({row.epoch for row in facts.layers if row.update_ratio is not None})
    early = set(epochs[: max(1, len(epochs) // 3)])
    ratios = [row.update_ratio for row in facts.layers if row.epoch in early and row.update_ratio is not None]
    return median(ratios) if ratios else None


def gradient_ratio(facts: TrainingFacts) -> float | None:
    """Return the gradient's norm of the first layer over that of the last one, before the first step.

    None of fewer than three layers, or if no gradient arrives at all.
    """
    norms = [row.grad_norm for row in rows_at(facts, 0) if row.grad_norm is not None]
    return norms[0] / norms[-1] if len(norms) > 2 and norms[-1] > 0 else None


def dead_share(facts: TrainingFacts, epoch: int) -> float | None:
    """Return the share of dead units in the layer that has most of them; None if that epoch was not looked at."""
    shares = [row.dead_share for row in rows_at(facts, epoch) if row.dead_share is not None]
    return max(shares, default=None)


def blocked_share(facts: TrainingFacts, epoch: int) -> float | None:
    """Return the share of (sample, unit) pairs that let no gradient through, in the layer that has most of them."""
    shares = [row.blocked_share for row in rows_at(facts, epoch) if row.blocked_share is not None]
    return max(shares, default=None)


def zero_layers(facts: TrainingFacts, epoch: int) -> list[str]:
    """Return the layers whose weights are all zero."""
    return [row.layer for row in rows_at(facts, epoch) if row.weight_norm == 0]
