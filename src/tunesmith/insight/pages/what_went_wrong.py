"""The section `findings` of a run's page: what went wrong in the training, and what to type against it."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.insight.diagnosis.finding import Finding
from tunesmith.insight.diagnosis.finding_lines import diagnose_command, nothing_found, rule, said
from tunesmith.insight.diagnosis.report_lines import promise
from tunesmith.insight.pages.page import Section, command, missing, sentence, text
from tunesmith.insight.pages.repeating import changed_command
from tunesmith.insight.pages.run_facts import RunFacts

_TITLE = "What went wrong"


def findings(facts: RunFacts) -> Section:
    """Say each finding with its numbers, rule and remedies, or that there is none."""
    found = facts.findings
    if found is None:
        return Section("findings", _TITLE, missing(_not_looked_at(facts)))
    if not found:
        so_far = "" if facts.result else "So far: "
        return Section("findings", _TITLE, sentence(f"{so_far}{_begun(f'found {nothing_found(facts.is_well_seen)}')}."))
    listed = "".join(f"<li>{_finding(facts, each)}</li>\n" for each in found)
    return Section("findings", _TITLE, f"<ol>{listed}</ol>\n{_diagnose(facts, found)}")


def _not_looked_at(facts: RunFacts) -> str:
    if "refit" in facts.result:
        return "A refit is not looked at: it has no validation part."
    return "Nothing could be looked at: the run has left neither metrics nor probes, or train.log says why."


def _finding(facts: RunFacts, finding: Finding) -> str:
    parts = [
        sentence(f"{'Caution: ' if finding.is_caution else ''}{_begun(_ended(said(finding)))}"),
        f'<p class="note">{text(rule(finding))}</p>\n',
        sentence(f"These numbers cannot tell apart: {', '.join(finding.one_of)}.") if finding.one_of else "",
        sentence(_begun(_ended(finding.advice))) if finding.advice else "",
        sentence(f"A remedy promises {words}.") if (words := promise(finding)) else "",
        sentence("Try, in this order:" if len(finding.remedies) > 1 else "Try:") if finding.remedies else "",
        *(command(changed_command(facts.overrides, overrides, facts.is_trial)) for overrides in finding.remedies),
    ]
    return "".join(parts)


def _ended(words: str) -> str:
    return words if words.endswith((".", "?", "!")) else f"{words}."


def _begun(words: str) -> str:
    """Return a sentence with its first letter in capitals, unless it begins with a name."""
    first = words.partition(" ")[0]
    return words if "_" in first else words[:1].upper() + words[1:]


def _diagnose(facts: RunFacts, found: Sequence[Finding]) -> str:
    line = diagnose_command(found, facts.folder)
    words = "Which remedy helps, tried on three seeds:" if line.endswith(" --try") else "What else is known:"
    return sentence(words) + command(line)
