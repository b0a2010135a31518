"""The section `findings` of a run's page: what went wrong in the training, and what to type against it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from tunesmith.insight.diagnosis.finding import Finding
from tunesmith.insight.diagnosis.lines import said
from tunesmith.insight.pages.page import Section, command, missing, sentence, text
from tunesmith.insight.pages.repeating import changed_command
from tunesmith.insight.pages.run_facts import RunFacts

_TITLE = "What went wrong"
# What a remedy gains, if that is no better metric.
_GAINS = {
    "time": "A remedy saves time and makes no better metric: the best epoch's weights are kept already.",
    "balanced accuracy": "A remedy is for the balanced accuracy: the accuracy itself may fall.",
}


def findings(facts: RunFacts) -> Section:
    """Say each finding with its numbers, rule and remedies, or that there is none."""
    found = facts.findings
    if found is None:
        return Section("findings", _TITLE, missing(_not_looked_at(facts)))
    if not found:
        ended = facts.result.get("state") in ("COMPLETE", "PRUNED", "FAIL")
        so_far = "" if ended else " in what the run has left so far"
        return Section("findings", _TITLE, sentence(f"Nothing was found{so_far}: no rule of docs/diagnosis.md fires."))
    listed = "".join(f"<li>{_finding(facts, each)}</li>\n" for each in found)
    return Section("findings", _TITLE, f"<ol>{listed}</ol>\n{_diagnose(facts, found)}")


def _not_looked_at(facts: RunFacts) -> str:
    if "refit" in facts.result:
        return "A refit is not looked at: it has no validation part."
    return "Nothing could be looked at: the run has left neither metrics nor probes, or train.log says why."


def _finding(facts: RunFacts, finding: Finding) -> str:
    parts = [
        sentence(f"{'Caution: ' if finding.is_caution else ''}{said(finding)}."),
        f'<p class="note">{text(_rule(finding))}</p>\n',
        sentence(f"These numbers cannot tell apart: {', '.join(finding.one_of)}.") if finding.one_of else "",
        sentence(finding.advice) if finding.advice else "",
        sentence(_GAINS[finding.gains]) if finding.remedies and finding.gains in _GAINS else "",
        sentence("Try, in this order:" if len(finding.remedies) > 1 else "Try:") if finding.remedies else "",
        *(command(changed_command(facts.overrides, overrides, facts.is_trial)) for overrides in finding.remedies),
    ]
    return "".join(parts)


def _rule(finding: Finding) -> str:
    evidence = ", ".join(f"{key} {_short(value)}" for key, value in finding.evidence.items())
    parts = {"Threshold": finding.threshold, "Source": finding.source}
    rule = [f"{label}: {words}" for label, words in parts.items() if words]
    return ". ".join([f"{finding.name}{': ' if evidence else ''}{evidence}", *rule]) + "."


def _short(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _diagnose(facts: RunFacts, found: Sequence[Finding]) -> str:
    if not any(finding.remedies for finding in found):
        return ""
    line = shlex.join(["python", "scripts/diagnose.py", facts.folder, "--try"])
    return sentence("Which remedy helps, tried on three seeds:") + command(line)
