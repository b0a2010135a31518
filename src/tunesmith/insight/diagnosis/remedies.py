"""What mends a fault: overrides made for the run at hand, in the order in which to try them.

Which of them worked is measured: docs/diagnosis.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from tunesmith.insight.diagnosis import data_remedies as data
from tunesmith.insight.diagnosis import length_remedies as length
from tunesmith.insight.diagnosis import net_remedies as net
from tunesmith.insight.diagnosis import rate_remedies as rate
from tunesmith.insight.diagnosis.finding import BALANCED_ACCURACY, METRIC, NOTHING, TIME
from tunesmith.insight.diagnosis.knobs import Knobs, Remedy

if TYPE_CHECKING:
    from tunesmith.insight.diagnosis.finding import Finding
    from tunesmith.insight.diagnosis.training_facts import TrainingFacts


@dataclass(frozen=True)
class Remedies:
    """Remedies of one fault, each one or more overrides, in the order in which to try them.

    advice: what no override can do; gains: as of a Finding.
    """

    overrides: tuple[Remedy, ...]
    advice: str | None
    gains: str


def remedies_of(name: str, facts: TrainingFacts) -> Remedies:
    """Return the remedies of a finding for a run: only keys that its config has, with values that they lack.

    name: as result.yaml has it; one that is not known has no remedies.
    """
    known = _KNOWN.get(name, _Known(_none))
    found = tuple(dict.fromkeys(remedy for remedy in known.find(Knobs(facts)) if remedy))
    return Remedies(found, known.advice, known.gains if found else NOTHING)


def with_remedies(finding: Finding, facts: TrainingFacts) -> Finding:
    """Return a finding with its remedies; of names that cannot be told apart the first remedy of each, then the second.

    So trying them in their order decides between the names.
    """
    found = [remedies_of(name, facts) for name in finding.one_of or (finding.name,)]
    in_turn = (remedy for row in zip_longest(*(each.overrides for each in found)) for remedy in row if remedy)
    advice = "; or ".join(dict.fromkeys(each.advice for each in found if each.advice))
    gains = next((each.gains for each in found if each.gains != NOTHING), NOTHING)
    return replace(finding, remedies=tuple(dict.fromkeys(in_turn)), advice=advice or None, gains=gains)


@dataclass(frozen=True)
class _Known:
    """How to find the remedies of a fault, some of them empty; advice and gains as of Remedies."""

    find: Callable[[Knobs], Iterator[Remedy]]
    advice: str | None = None
    gains: str = METRIC


def _none(knobs: Knobs) -> Iterator[Remedy]:
    yield from ()


def _against_overfitting(knobs: Knobs) -> Iterator[Remedy]:
    """What saves time for sure first; regularisation may better the metric, or worsen it."""
    yield from length.ends_sooner(knobs)
    yield from net.more_regularised(knobs)


_KNOWN: dict[str, _Known] = {
    "learning_rate_too_high": _Known(rate.lower_lr),
    "learning_rate_too_low": _Known(rate.higher_lr),
    "diverged": _Known(rate.finite_steps),
    "exploding_init": _Known(net.smaller_start, "a model that sets its own weights: start them smaller in its file"),
    "vanishing_gradients": _Known(
        net.shorter_paths, "a model of your own: give it ReLU, batch norm, or residual connections"
    ),
    "dead_units": _Known(net.live_units, "a model of your own: look at the biases that its units start with"),
    "zero_weights": _Known(net.initialized, "a model that sets its own weights: start them at random in its file"),
    "unscaled_inputs": _Known(data.scaled_inputs),
    "unscaled_targets": _Known(data.scaled_targets),
    "squashed_outputs": _Known(
        _none, "take the softmax, sigmoid or ReLU behind the last layer out of the model's file: the loss has its own"
    ),
    "labels_tell_nothing": _Known(_none, "check that the target is the right column, and that rows and targets match"),
    "overfitting": _Known(_against_overfitting, "more data helps most; the best weights are kept already", TIME),
    "stopped_too_early": _Known(length.longer),
    "too_regularised": _Known(net.less_regularised),
    "too_few_steps": _Known(length.more_steps),
    "too_small_or_short": _Known(length.larger_or_longer),
    "noisy_labels": _Known(
        _none,
        "look at the worst samples on the run's page: are their labels wrong, or do columns lack?",
    ),
    "duplicates": _Known(
        data.kept_together,
        "drop equal rows, or keep them in one part by data.split=group",
        NOTHING,
    ),
    "shift": _Known(
        data.drawn_anew, "find out why the parts differ: a model for later data has to be judged on later data", NOTHING
    ),
    "give_away": _Known(
        data.without_column, "leave the column out unless it is known when the model is asked", NOTHING
    ),
    "unshuffled": _Known(data.shuffled),
    "imbalance": _Known(data.weighted_classes, "weights help rare classes and may cost accuracy", BALANCED_ACCURACY),
    "few_validation_samples": _Known(data.folded, "folds make the value surer, not better, and cost time", NOTHING),
}
