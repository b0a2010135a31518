"""What a config says of a training's steps; None: nothing, as of a learner of one's own."""

from __future__ import annotations

import math

from tunesmith.insight.diagnosis.training_facts import TrainingFacts


def optimizer_name(facts: TrainingFacts) -> str:
    """Return the class of the optimizer, such as SGD; "" if the config has none."""
    return str(facts.setting("optimizer._target_") or "").rpartition(".")[2]


def steps_per_epoch(facts: TrainingFacts) -> int | None:
    """Return how often an epoch moves the weights."""
    samples, batch = facts.amount("samples.train"), facts.number("data.batch_size")
    if not samples or not batch:
        return None
    limit = facts.number("trainer.limit_train_batches")
    batches = math.ceil(samples / batch)
    if limit is not None and limit > 1:
        batches = min(batches, int(limit))
    return max(1, math.ceil(batches / (facts.number("trainer.accumulate_grad_batches") or 1)))


def num_steps(facts: TrainingFacts) -> int | None:
    """Return how often the training moved the weights."""
    steps = steps_per_epoch(facts)
    return steps * len(facts.epochs) if steps is not None and facts.epochs else None


def step_size(facts: TrainingFacts) -> float | None:
    """Return the learning rate as momentum makes it: lr / (1 - momentum), how far a steady gradient moves a weight."""
    rate, momentum = facts.number("optimizer.lr"), facts.number("optimizer.momentum") or 0.0
    return None if rate is None else rate / (1 - momentum) if 0 <= momentum < 1 else math.inf


def has_classes(facts: TrainingFacts) -> bool:
    """Whether the targets are classes."""
    return facts.fact("classes") is not None
