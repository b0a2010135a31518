"""Find what went wrong in a training: rules in the order of cause, from plain values, without torch."""

from __future__ import annotations

from collections.abc import Callable

from tunesmith.insight.diagnosis.data_rules import find_data_faults
from tunesmith.insight.diagnosis.finding import Finding
from tunesmith.insight.diagnosis.remedies import with_remedies
from tunesmith.insight.diagnosis.start_rules import find_zero_weights
from tunesmith.insight.diagnosis.step_rules import find_diverged, find_too_low_rate
from tunesmith.insight.diagnosis.training_facts import TrainingFacts

_RULES: tuple[Callable[[TrainingFacts], Finding | None], ...] = (find_zero_weights, find_diverged, find_too_low_rate)


def find_faults(facts: TrainingFacts) -> list[Finding]:
    """Return what went wrong in a training, the cause that acts most first, cautions last; [] if nothing was found."""
    of_data = find_data_faults(facts)
    of_training = next((found for rule in _RULES if (found := rule(facts)) is not None), None)
    in_order = [*of_data, *([] if of_training is None else [of_training])]
    return [with_remedies(each, facts) for each in in_order]


def can_be_looked_at(facts: TrainingFacts) -> bool:
    """Whether anything of a training was measured: it has epochs, layers, looks or facts of its data."""
    return bool(facts.epochs or facts.layers or facts.looks or facts.data)
