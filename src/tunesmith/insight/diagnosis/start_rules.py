"""Rules on the state before the first step: scale, outputs, initial weights, and the signal through the layers."""

from __future__ import annotations

import math

from tunesmith.insight.diagnosis.curves import (
    LEARNED_ENOUGH,
    LEARNED_HALF,
    LEARNED_NEXT_TO_NOTHING,
    is_diverged,
    learned_on_val,
    loss_of_zero,
    start_loss,
)
from tunesmith.insight.diagnosis.finding import MEASURED, Finding
from tunesmith.insight.diagnosis.layers import blocked_share, dead_share, gradient_ratio, rows_at, zero_layers
from tunesmith.insight.diagnosis.outputs import end_activation, output_range
from tunesmith.insight.diagnosis.settings import (
    MOST_TARGET_SPREAD,
    has_classes,
    has_far_targets,
    is_tiny,
    optimizer_name,
)
from tunesmith.insight.diagnosis.training_facts import TrainingFacts

# Standardised inputs rarely reach it; initial weights are made for inputs of about 1.
MOST_INPUT = 30.0
# Healthy runs begin at 1 to 3.3 times the loss of outputs of zero, most of them below 1.3.
MOST_START_LOSS, UNUSUAL_START_LOSS = 5.0, 1.8
# Share of a layer's units: nothing passes a layer in which hardly a unit is alive.
MOST_DEAD = 0.9
# Gradient of the first layer over that of the last one; healthy runs have .13 to 1.4.
LEAST_GRADIENT_RATIO = 1e-3
# Share of the prior loss below which a training has hardly begun; beyond LEARNED_ENOUGH it has overcome its start.
LEARNED_HARDLY = 0.3


def find_unscaled_inputs(facts: TrainingFacts) -> Finding | None:
    """Inputs are far larger than what initial weights are made for, and the training shows it."""
    most = facts.amount("inputs.abs_max") or max((look.get("input_max", 0.0) for look in facts.looks), default=0.0)
    if facts.setting("data.scale") not in ("none", None) or not most > MOST_INPUT or _is_constant_one(facts):
        return None
    start, blocked = _excess_at_start(facts), blocked_share(facts, 0)
    is_start_off = start is not None and not start < UNUSUAL_START_LOSS
    is_blocked = blocked is not None and blocked > MOST_DEAD
    if not (
        _has_learned_less(facts, LEARNED_ENOUGH)
        and (is_start_off or is_blocked or _has_learned_less(facts, LEARNED_HALF))
    ):
        return None
    shown = "" if start is None else f", and the loss begins at {start:.3g} times that of outputs of zero"
    return Finding(
        "unscaled_inputs",
        f"unscaled inputs: they reach {most:.3g}, far from the size of about 1 that weights begin for{shown}",
        {"input_max": most, **({} if start is None else {"start_loss": start})},
        threshold=f"an input beyond {MOST_INPUT:g} and a loss at the start above {UNUSUAL_START_LOSS} times that"
        " of outputs of zero, layers that let no gradient through, or a training that learns less than half",
        source="LeCun, Bottou, Orr, Mueller, Efficient BackProp (1998), 4.3",
    )


def find_squashed_outputs(facts: TrainingFacts) -> Finding | None:
    """An activation at the end of the model bounds the outputs, which the loss or the targets do not expect."""
    activation, found = end_activation(facts), output_range(facts)
    if not activation or found is None or (activation == "tanh" and _has_learned_less(facts, LEARNED_HARDLY)):
        return None  # of a net that has hardly begun to learn, small outputs say nothing
    wants = "the loss takes logits, any real numbers" if has_classes(facts) else _target_range(facts)
    return Finding(
        "squashed_outputs",
        f"squashed outputs: they stay between {found.low:.3g} and {found.high:.3g}, as after a {activation}; {wants}",
        {"output_min": found.low, "output_max": found.high, "output_zeros": found.zeros, "activation": activation},
        threshold="all outputs of all looks inside the bounds of a softmax, sigmoid, tanh or ReLU, and at them",
        source="torch.nn.CrossEntropyLoss: the input is expected to contain the unnormalized logits",
    )


def find_unscaled_targets(facts: TrainingFacts) -> Finding | None:
    """Numbers to predict are far from the size of about 1 that outputs have at the start."""
    spread, mean, start = facts.amount("targets.std"), facts.amount("targets.mean"), start_loss(facts)
    if not has_far_targets(facts) or spread is None or mean is None:
        return None
    is_start_off = start is not None and not start < UNUSUAL_START_LOSS
    is_hurt = is_start_off or _has_learned_less(facts, LEARNED_HALF)
    if not (is_hurt and _has_learned_less(facts, LEARNED_ENOUGH)):
        return None
    is_plain = optimizer_name(facts) == "SGD" and _has_learned_less(facts, LEARNED_NEXT_TO_NOTHING)
    shown = "" if start is None else f"; the loss begins at {start:.3g} times that of a constant answer"
    return Finding(
        "unscaled_targets",
        f"unscaled targets: mean {mean:.3g}, standard deviation {spread:.3g}, while outputs begin at 0 +- 1{shown}",
        {"target_mean": mean, "target_std": spread, **({} if start is None else {"start_loss": start})},
        threshold=f"a mean or standard deviation beyond {MOST_TARGET_SPREAD:g}, or one below 1/{MOST_TARGET_SPREAD:g},"
        f" and a loss at the start above {UNUSUAL_START_LOSS} times the prior loss, or less than half learnt; never"
        f" beyond {LEARNED_ENOUGH:.0%} learnt",
        source=MEASURED,
        # Gradients grow with the targets, and steps of plain SGD with the gradients.
        one_of=("unscaled_targets", "learning_rate_too_high") if is_plain else (),
    )


def find_exploding_init(facts: TrainingFacts) -> Finding | None:
    """Initial weights are so large that the loss begins far above that of a constant answer."""
    start, learnt = _excess_at_start(facts), learned_on_val(facts)
    if start is None or start < MOST_START_LOSS or (learnt is not None and learnt > LEARNED_ENOUGH):
        return None
    size = "no number" if math.isnan(start) else f"{start:.3g} times that of outputs of zero"
    return Finding(
        "exploding_init",
        f"exploding init: at the start the loss is {size} (healthy: to 3.3)",
        {"start_loss": start},
        threshold=f"a loss at the start above {MOST_START_LOSS:g} times that of outputs of zero",
        source="He et al., Delving deep into rectifiers (2015), 2.2",
    )


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
        ", so that no gradient passes them",
        {"zero_layers": float(len(zero)), "layers": float(len(all_layers))},
        threshold="weights of two or more layers that are all zero before the first step",
        source="Goodfellow, Bengio, Courville, Deep Learning (2016), 8.4: initial weights must break symmetry",
    )


def find_dead_units(facts: TrainingFacts) -> Finding | None:
    """Hardly a unit of a layer lets a gradient through for any sample, already before the first step."""
    dead = dead_share(facts, 0)
    if dead is None or dead < MOST_DEAD or not _has_learned_less(facts, LEARNED_ENOUGH):
        return None
    return Finding(
        "too_small_or_short" if is_tiny(facts) else "dead_units",
        f"dead units: before the first step {dead:.0%} of a layer's units let no gradient through for any sample",
        {"dead_share": dead},
        threshold=f"{MOST_DEAD:.0%} of the units of a layer before the first step (healthy runs: 0)",
        one_of=("too_small_or_short", "dead_units") if is_tiny(facts) else (),
        source="Maas, Hannun, Ng, Rectifier nonlinearities (2013)",
    )


def find_vanishing_gradients(facts: TrainingFacts) -> Finding | None:
    """The gradient of the first layer is a tiny part of that of the last one."""
    ratio = gradient_ratio(facts)
    if ratio is None or ratio >= LEAST_GRADIENT_RATIO or not _has_learned_less(facts, LEARNED_ENOUGH):
        return None
    return Finding(
        "vanishing_gradients",
        f"vanishing gradients: the first layer's gradient begins at {ratio:.1e} of the last's (healthy: .13 to 1.4)",
        {"gradient_ratio": ratio},
        threshold=f"first over last layer below {LEAST_GRADIENT_RATIO:g}, and less than {LEARNED_ENOUGH:.0%} learnt",
        source="Glorot, Bengio, Understanding the difficulty of training deep networks (2010)",
    )


def _has_learned_less(facts: TrainingFacts, share: float) -> bool:
    """Whether training has removed less than a share of the validation part's prior loss; False if nobody knows."""
    learnt = learned_on_val(facts)
    return is_diverged(facts) or (learnt is not None and learnt < share)


def _is_constant_one(facts: TrainingFacts) -> bool:
    """Whether the outputs are the same for all samples, as after a softmax over one output: no scale can matter."""
    found = output_range(facts)
    return end_activation(facts) == "softmax" and found is not None and found.spread == 0


def _excess_at_start(facts: TrainingFacts) -> float | None:
    """Return the loss at the start over that of outputs of zero, where a usual training begins.

    Where classes are imbalanced, or numbers lie off zero, that is more than a constant answer has.
    """
    start, of_zero = start_loss(facts), loss_of_zero(facts)
    return None if start is None else start / of_zero


def _target_range(facts: TrainingFacts) -> str:
    low, high = facts.amount("targets.min"), facts.amount("targets.max")
    return "targets are numbers" if low is None or high is None else f"targets go from {low:.3g} to {high:.3g}"
