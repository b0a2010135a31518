"""What a config says of a training's steps; None: nothing, as of a learner of one's own."""

from __future__ import annotations

import math

from tunesmith.insight.diagnosis.training_facts import TrainingFacts
from tunesmith.rules import is_number

# lr / (1 - momentum) that each optimizer's own paper or conf/optimizer begins with.
_USUAL_STEP = {"SGD": 0.1, "Adam": 1e-3, "AdamW": 1e-3, "RMSprop": 1e-3}
# Where models of conf/model keep the width of their layers; a list of widths takes the place of one number.
_WIDTHS = ("model.shape", "model.hidden_units", "model.channels", "model.units")
# L2 in the gradient; decoupled, it is multiplied by the learning rate.
MOST_DECAY, MOST_DECOUPLED_DECAY = 0.1, 1.0
# Epochs without improvement that noise alone brings about in a good training.
SHORT_PATIENCE = 3
FEW_UNITS = 4
# Steps after which a usual net on a small data set is trained.
MANY_STEPS = 1000
# Steps an epoch: the whole part in one batch, or in two.
FEW_STEPS = 2
MOST_MOMENTUM = 0.98
# A standard deviation of targets that initial weights and usual rates are not made for.
MOST_TARGET_SPREAD = 10.0
_MOST_REGULARISED = {"model.dropout": 0.75, "model.input_dropout": 0.5, "l1": 0.01}


def optimizer_name(facts: TrainingFacts) -> str:
    """Return the class of the optimizer, such as SGD; "" if the config has none."""
    return str(facts.setting("optimizer._target_") or "").rpartition(".")[2]


def steps_per_epoch(facts: TrainingFacts) -> int | None:
    """Return how often an epoch moves the weights."""
    samples, batch = facts.amount("samples.train"), facts.number("data.batch_size")
    if samples is None or batch is None or samples < 1 or batch < 1:
        return None
    limit = facts.number("trainer.limit_train_batches")
    batches = math.ceil(samples / batch)
    if limit is not None and limit > 1:
        batches = min(batches, int(limit))
    return max(1, math.ceil(batches / max(facts.number("trainer.accumulate_grad_batches") or 1, 1)))


def num_steps(facts: TrainingFacts) -> int | None:
    """Return how often the training moved the weights."""
    steps = steps_per_epoch(facts)
    return steps * len(facts.epochs) if steps is not None and facts.epochs else None


def step_size(facts: TrainingFacts) -> float | None:
    """Return the learning rate as momentum makes it: lr / (1 - momentum), how far a steady gradient moves a weight."""
    rate, momentum = facts.number("optimizer.lr"), facts.number("optimizer.momentum") or 0.0
    return None if rate is None else rate / (1 - momentum) if 0 <= momentum < 1 else math.inf


def excess_of_rate(facts: TrainingFacts) -> float | None:
    """Return how many times the usual one of its optimizer the learning rate is, with its momentum."""
    size = step_size(facts)
    return None if size is None else size / _USUAL_STEP.get(optimizer_name(facts), _USUAL_STEP["Adam"])


def is_momentum_extreme(facts: TrainingFacts) -> bool:
    """Whether the momentum averages over more than 50 steps, which is the first setting to doubt."""
    return (facts.number("optimizer.momentum") or 0.0) > MOST_MOMENTUM


def extreme_regulariser(facts: TrainingFacts) -> tuple[str, float] | None:
    """Return the setting that regularises far more than is usual, and its value."""
    for key, most in _MOST_REGULARISED.items():
        value = _largest(facts.setting(key))
        if value is not None and value >= most:
            return key, value
    decay = facts.number("optimizer.weight_decay")
    most = MOST_DECOUPLED_DECAY if optimizer_name(facts) == "AdamW" else MOST_DECAY
    return ("optimizer.weight_decay", decay) if decay is not None and decay >= most else None


def patience(facts: TrainingFacts) -> float | None:
    """Return the patience of early stopping, None if it did not end this training."""
    most, waits = facts.number("trainer.max_epochs"), facts.number("callbacks.early_stopping.patience")
    return waits if most is not None and len(facts.epochs) < most else None


def narrowest_layer(facts: TrainingFacts) -> float | None:
    """Return the number of units of the narrowest hidden layer that the config names."""
    for key in _WIDTHS:
        value = facts.setting(key)
        widths = value if isinstance(value, list) else [value]
        numbers = [float(each) for each in widths if isinstance(each, int) and is_number(each)]
        if numbers:
            return min(numbers)
    return None


def is_tiny(facts: TrainingFacts) -> bool:
    """Whether a hidden layer has so few units that its width is the first setting to doubt."""
    width = narrowest_layer(facts)
    return width is not None and width <= FEW_UNITS


def _largest(value: object) -> float | None:
    """Return a number, or the largest one of a list, as a rate of dropout for each layer."""
    values = value if isinstance(value, list) else [value]
    return max((float(each) for each in values if isinstance(each, int | float) and is_number(each)), default=None)


def has_far_targets(facts: TrainingFacts) -> bool:
    """Whether the numbers to predict are far from the size of about 1 that outputs have at the start."""
    spread, mean = facts.amount("targets.std"), facts.amount("targets.mean")
    if has_classes(facts) or spread is None or mean is None or facts.setting("data.scale_targets") is True:
        return False
    return spread > MOST_TARGET_SPREAD or abs(mean) > MOST_TARGET_SPREAD or 0 < spread < 1 / MOST_TARGET_SPREAD


def has_classes(facts: TrainingFacts) -> bool:
    """Whether the targets are classes."""
    return facts.fact("classes") is not None
