"""What scripts/diagnose.py prints of findings: each with its numbers, its rule, and the commands to type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tunesmith.errors import printable
from tunesmith.insight.diagnosis.finding import Finding
from tunesmith.insight.diagnosis.finding_lines import said
from tunesmith.insight.diagnosis.training_facts import TrainingFacts

Row = tuple[str, str]

# What the remedies promise, if that is no better metric.
PROMISES = {
    "time": "time, not a better metric: the best epoch's weights are kept already",
    "balanced accuracy": "a better balanced accuracy; the accuracy itself may fall",
    "nothing": "no better metric, so --try trains nothing for it",
}


def finding_rows(finding: Finding, command: Callable[[Sequence[str]], str]) -> Iterator[Row]:
    """Yield label and text of each line; command: makes the run's command with further overrides."""
    yield "caution" if finding.is_caution else "found", printable(said(finding))
    evidence = ", ".join(f"{key} {_short(value)}" for key, value in finding.evidence.items())
    rule = {"evidence": evidence, "threshold": finding.threshold, "source": finding.source}
    yield from ((label, printable(text)) for label, text in rule.items() if text)
    if finding.one_of:
        yield "one of", f"{', '.join(finding.one_of)}: these numbers cannot tell them apart"
    for place, overrides in enumerate(finding.remedies):
        yield "" if place else "remedies", printable(command(overrides))
    if finding.remedies and finding.gains in PROMISES:
        yield "promise", PROMISES[finding.gains]
    if finding.advice:
        yield "advice", printable(finding.advice)


def not_looked_at(facts: TrainingFacts) -> Iterator[str]:
    """Yield what of a training could not be looked at, and why."""
    if not facts.epochs:
        yield "the epochs: metrics.csv has none"
    if not facts.layers:
        yield "gradients, updates, dead units: layers.csv is missing (probes=false, or an earlier version)"
    if not any("train_loss" in look for look in facts.looks):
        yield "the training loss without dropout: probes.csv has none (probes=false, or a learner of your own)"
    if not facts.data:
        yield "the data: data_facts.json is missing (a data module of your own, or an earlier version)"


def _short(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
