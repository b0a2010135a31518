"""Find what went wrong in a training: rules in the order of cause, from plain values, without torch."""

from __future__ import annotations

from collections.abc import Callable

from tunesmith.insight.diagnosis import end_rules, start_rules, step_rules
from tunesmith.insight.diagnosis.data_rules import find_cautions, find_data_faults
from tunesmith.insight.diagnosis.finding import Finding
from tunesmith.insight.diagnosis.remedies import with_remedies
from tunesmith.insight.diagnosis.training_facts import TrainingFacts

Rule = Callable[[TrainingFacts], Finding | None]

# What comes first makes what follows: the first one that is found is the cause, the others its consequences.
_START_AND_STEPS: tuple[Rule, ...] = (
    start_rules.find_zero_weights,  # their outputs are constant: they look squashed
    start_rules.find_unscaled_inputs,
    start_rules.find_squashed_outputs,
    step_rules.find_rate_that_targets_throw,
    start_rules.find_unscaled_targets,
    step_rules.find_hopeless_rate,
    start_rules.find_exploding_init,
    start_rules.find_dead_units,
    start_rules.find_vanishing_gradients,
    step_rules.find_too_high_rate,
    step_rules.find_diverged,
    step_rules.find_too_low_rate,
)
_END: tuple[Rule, ...] = (
    end_rules.find_no_information,
    end_rules.find_too_regularised,
    end_rules.find_unfinished,
    end_rules.find_overfitting,
    end_rules.find_noisy_labels,
    end_rules.find_too_small,
)


def find_faults(facts: TrainingFacts) -> list[Finding]:
    """Return what went wrong in a training, the cause that acts most first, cautions last; [] if nothing was found."""
    of_data = find_data_faults(facts)
    # How a training ended says something of it only if it has come to its end, and on data that do not mislead.
    rules = (*_START_AND_STEPS, *_END) if facts.state == "COMPLETE" and not of_data else _START_AND_STEPS
    of_training = [found for rule in rules if (found := rule(facts)) is not None][:1]
    return [with_remedies(each, facts) for each in (*of_data, *of_training, *find_cautions(facts))]


def can_be_looked_at(facts: TrainingFacts) -> bool:
    """Whether anything of a training was measured: it has epochs, layers, looks or facts of its data."""
    return bool(facts.epochs or facts.layers or facts.looks or facts.data)
