"""Findings as lines: of the console at a run's end, and of the text that loggers show."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from tunesmith.errors import printable
from tunesmith.insight.diagnosis.finding import Finding

# Evidence of a finding of a run with folds: how many of them have it.
FOLDS = "folds"
# Findings that a console shows.
MAX_SHOWN = 3
# What a remedy promises that --try does not judge.
_NO_GAIN = "nothing"


def nothing_found(has_probes: bool) -> str:
    """Return the words for a run of which no finding is known; has_probes: whether more than its curves was seen."""
    if has_probes:
        return "nothing: no rule of docs/diagnosis.md fires"
    return "nothing in the curves of the metrics; without probes most rules of docs/diagnosis.md cannot look"


def console_rows(findings: Sequence[Finding] | None, folder: str, has_probes: bool) -> Iterator[tuple[str, str]]:
    """Yield label and text of each line that a plain run prints; folder: as it is typed; see nothing_found."""
    if findings is None:
        return
    if not findings:
        yield "found", nothing_found(has_probes)
        return
    for finding in findings[:MAX_SHOWN]:
        first = f" (try {shlex.join(finding.remedies[0])})" if finding.remedies else ""
        yield "caution" if finding.is_caution else "found", printable(f"{said(finding)}{first}")
    if len(findings) > MAX_SHOWN:
        yield "", f"{len(findings) - MAX_SHOWN} more in result.yaml"
    yield "diagnose", diagnose_command(findings, folder)


def diagnose_command(findings: Sequence[Finding], folder: str) -> str:
    """Return the command that says more, and tries a remedy if one promises anything."""
    is_tried = any(finding.remedies and finding.gains != _NO_GAIN for finding in findings)
    return shlex.join(["python", "scripts/diagnose.py", folder, *["--try"] * is_tried])


def said(finding: Finding) -> str:
    """Return name and sentence, or the sentence alone if it begins with the name's words; and in which folds."""
    words, folds = finding.name.replace("_", " "), finding.evidence.get(FOLDS)
    named = finding.text if finding.text.lower().startswith(words) else f"{finding.name}: {finding.text}"
    return named if folds is None else f"{named} (in {folds} folds)"


def rule(finding: Finding) -> str:
    """Return the name with its numbers, the threshold, and who says so."""
    evidence = ", ".join(f"{key} {_short(value)}" for key, value in finding.evidence.items())
    parts = {"Threshold": finding.threshold, "Source": finding.source}
    lines = [f"{label}: {words}" for label, words in parts.items() if words]
    return ". ".join([f"{finding.name}{': ' if evidence else ''}{evidence}", *lines]) + "."


def _short(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def as_markdown(findings: Sequence[Finding], has_probes: bool = True) -> str:
    """Return the findings as Markdown, whose texts are shown as they are; see nothing_found."""
    return "\n\n".join(map(_paragraphs, findings)) or f"Found {nothing_found(has_probes)}."


def _paragraphs(finding: Finding) -> str:
    remedies = [f"    {printable(shlex.join(overrides))}" for overrides in finding.remedies]
    parts = [
        f"**{_escaped(said(finding))}**",
        _escaped(rule(finding)),
        f"One of: {_escaped(', '.join(finding.one_of))}." if finding.one_of else "",
        "\n".join(["Try, in this order:", "", *remedies]) if remedies else "",
        _escaped(finding.advice or ""),
    ]
    return "\n\n".join(filter(None, parts))


def _escaped(text: str) -> str:
    """Return a text in which no character is Markdown's or HTML's: names of columns may hold any."""
    return "".join(f"\\{char}" if char in r"\`*_{}[]()<>#+-!|~&" else char for char in printable(text))
