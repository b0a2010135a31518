"""Findings as lines: of the console at a run's end, and of the text that loggers show."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from tunesmith.errors import printable
from tunesmith.insight.diagnosis.finding import Finding

# Findings that a console shows.
MAX_SHOWN = 3
NOTHING = "nothing: no rule of docs/diagnosis.md fires"


def console_rows(findings: Sequence[Finding] | None, folder: str) -> Iterator[tuple[str, str]]:
    """Yield label and text of each line that a plain run prints; folder: as it is typed."""
    if findings is None:
        return
    if not findings:
        yield "found", NOTHING
        return
    for finding in findings[:MAX_SHOWN]:
        first = f" (try {shlex.join(finding.remedies[0])})" if finding.remedies else ""
        yield "found", printable(f"{said(finding)}{first}")
    if len(findings) > MAX_SHOWN:
        yield "", f"{len(findings) - MAX_SHOWN} more in result.yaml"
    has_remedy = any(finding.remedies for finding in findings)
    yield "diagnose", shlex.join(["python", "scripts/diagnose.py", folder, *["--try"] * has_remedy])


def said(finding: Finding) -> str:
    """Return the name and the sentence, or the sentence alone if it begins with the name's words."""
    words = finding.name.replace("_", " ")
    return finding.text if finding.text.lower().startswith(words) else f"{finding.name}: {finding.text}"


def as_markdown(findings: Sequence[Finding]) -> str:
    """Return the findings as Markdown, whose texts are shown as they are."""
    return "\n\n".join(map(_paragraphs, findings)) or f"Found {NOTHING}."


def _paragraphs(finding: Finding) -> str:
    remedies = [f"    {printable(shlex.join(overrides))}" for overrides in finding.remedies]
    parts = [
        f"**{_escaped(said(finding))}**",
        f"{_escaped(finding.name)}. Threshold: {_escaped(finding.threshold)}. Source: {_escaped(finding.source)}.",
        f"One of: {_escaped(', '.join(finding.one_of))}." if finding.one_of else "",
        "\n".join(["Try, in this order:", "", *remedies]) if remedies else "",
        _escaped(finding.advice or ""),
    ]
    return "\n\n".join(filter(None, parts))


def _escaped(text: str) -> str:
    """Return a text in which no character is Markdown's or HTML's: names of columns may hold any."""
    return "".join(f"\\{char}" if char in r"\`*_{}[]()<>#+-!|~&" else char for char in printable(text))
