"""What scripts/diagnose.py prints of findings: each with its numbers, its rule, and the commands to type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tunesmith.errors import printable
from tunesmith.insight.diagnosis.curves import prior_loss
from tunesmith.insight.diagnosis.finding import BALANCED_ACCURACY, NOTHING, TIME, Finding
from tunesmith.insight.diagnosis.finding_lines import measured, said, sentence_rows
from tunesmith.insight.diagnosis.training_facts import TrainingFacts

Row = tuple[str, str]

_PROMISES = {
    TIME: "time, not a better metric: the best epoch's weights are kept already",
    BALANCED_ACCURACY: "a better balanced accuracy; the accuracy itself may fall",
    NOTHING: "no better metric, so --try trains nothing for it",
}


def finding_rows(finding: Finding, command: Callable[[Sequence[str]], str]) -> Iterator[Row]:
    """Yield label and text of each line; command: makes the run's command with further overrides."""
    yield from sentence_rows("caution" if finding.is_caution else "found", said(finding))
    rule = {"evidence": measured(finding), "threshold": finding.threshold, "source": finding.source}
    for label, text in rule.items():
        yield from sentence_rows(label, text) if text else ()
    if finding.one_of:
        yield from sentence_rows("one of", f"{', '.join(finding.one_of)}: these numbers cannot tell them apart")
    for place, overrides in enumerate(finding.remedies):
        yield "" if place else "remedies", printable(command(overrides))
    if words := promise(finding):
        yield from sentence_rows("promise", words)
    if finding.advice:
        yield from sentence_rows("advice", finding.advice)


def promise(finding: Finding) -> str:
    """Return what the remedies promise; "" if that is a better metric, or there are none."""
    return _PROMISES.get(finding.gains, "") if finding.remedies else ""


def not_looked_at(facts: TrainingFacts) -> Iterator[str]:
    """Yield what of a training could not be looked at, and why."""
    if not facts.epochs:
        yield "the epochs: metrics.csv has none"
    if not facts.layers:
        yield "gradients, updates, dead units: layers.csv is missing (probes=false, or an earlier version)"
    if not any("train_loss" in look for look in facts.looks):
        yield "the training loss without dropout: probes.csv has none (probes=false, or a learner of your own)"
    if not facts.data:
        yield "the data: data_facts.json is missing (a data module of your own, probes=false, or an earlier version)"
    elif prior_loss(facts, "val") is None:
        yield "the loss against that of a constant answer, which a learner of your own does not say"
