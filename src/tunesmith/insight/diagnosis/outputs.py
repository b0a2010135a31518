"""Features of what the model puts out: whether something bounds it that the loss does not expect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tunesmith.insight.diagnosis.settings import has_classes
from tunesmith.insight.diagnosis.training_facts import TrainingFacts

# An activation reaches its bound only nearly.
_NEAR = 0.05
# Standard deviation of outputs that pile up at -1 and 1; normal ones within these bounds have at most a third.
_PILED_UP = 0.4
# Standard deviation of outputs below which a net gives each sample the same answer, and shows no bound.
_LEAST_SPREAD = 1e-3
# By float32's rounding of a softmax over many outputs.
_SUM_TOLERANCE = 1e-4
# A trained linear output is exactly zero for no sample; a ReLU at the end for about half of them.
LEAST_ZEROS = 0.05


@dataclass(frozen=True)
class Range:
    """The smallest and largest output of all looks, and the same of the sum over a sample's outputs.

    zeros: share of outputs that are exactly zero, at the look that has most; start_middle: middle of the first look.
    spread: standard deviation over samples, at the look that has most; 0: the same answer to each sample.
    """

    low: float
    high: float
    sum_low: float
    sum_high: float
    zeros: float
    start_middle: float
    spread: float

    def is_within(self, low: float, high: float) -> bool:
        """Whether all outputs lie between two bounds."""
        return self.low >= low and self.high <= high


def output_range(facts: TrainingFacts) -> Range | None:
    """Return what the model has put out before the first step and later; None if no look saw it, or saw NaN."""
    looks = [look for look in facts.looks if {"output_min", "output_max"} <= set(look)]
    if not looks or any(look[name] != look[name] for look in looks for name in ("output_min", "output_max")):
        return None
    low, high = _least(looks, "output_min"), -_least(looks, "output_max", -1)
    return Range(
        low,
        high,
        _least(looks, "output_sum_min"),
        -_least(looks, "output_sum_max", -1),
        -_least(looks, "output_zeros", -1),
        (looks[0]["output_min"] + looks[0]["output_max"]) / 2,
        max(look.get("output_spread", look["output_max"] - look["output_min"]) for look in looks),
    )


def end_activation(facts: TrainingFacts) -> str:
    """Return which activation bounds the outputs against what the loss or the targets ask for; "" if none does.

    Classes: the loss wants any real numbers. Numbers: an activation harms if targets lie beyond its bounds.
    """
    found = output_range(facts)
    if found is None:
        return ""
    bounded = _bound(found)
    if bounded in ("", "softmax") or has_classes(facts):
        return bounded
    low, high = facts.amount("targets.min"), facts.amount("targets.max")
    if low is None or high is None:
        return ""
    reach = {"sigmoid": (0.0, 1.0), "relu": (0.0, high), "tanh": (-1.0, 1.0)}[bounded]
    margin = 0.05 * (high - low)
    return bounded if low < reach[0] - margin or high > reach[1] + margin else ""


def _bound(found: Range) -> str:
    """Return the activation in whose bounds all outputs lie, by more than chance."""
    is_one = found.sum_high - found.sum_low < _SUM_TOLERANCE and abs(found.sum_low - 1) < _SUM_TOLERANCE
    if is_one and found.is_within(-_SUM_TOLERANCE, 1 + _SUM_TOLERANCE):
        return "softmax"
    if (
        found.is_within(0, 1)
        and found.spread > _LEAST_SPREAD
        and (0.3 < found.start_middle < 0.7 or found.high > 1 - _NEAR)
    ):
        return "sigmoid"
    if found.low == 0 and found.zeros > LEAST_ZEROS:
        return "relu"
    if found.is_within(-1, 1) and found.high > 1 - _NEAR and found.low < _NEAR - 1 and found.spread > _PILED_UP:
        return "tanh"
    return ""


def _least(looks: list[Mapping[str, float]], name: str, sign: int = 1) -> float:
    return min((sign * look[name] for look in looks if name in look), default=0.0)
