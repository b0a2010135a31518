"""Findings as lines: of the console at a run's end, and of the text that loggers show."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from shutil import get_terminal_size
from textwrap import wrap

from tunesmith.errors import printable
from tunesmith.insight.diagnosis.finding import NOTHING, Finding

# Evidence of a finding of a run with folds: how many of them have it.
FOLDS = "folds"
# Findings that a console shows.
MAX_SHOWN = 3
# Columns of a label, and the fewest that a sentence gets beside it.
_LABEL, _LEAST = 13, 20


def nothing_found(is_well_seen: bool) -> str:
    """Return the words for a run of which no finding is known; is_well_seen: whether most rules could look."""
    if is_well_seen:
        return "nothing: no rule of docs/diagnosis.md fires"
    words = "most rules of docs/diagnosis.md cannot look without probes and the loss of a constant answer"
    return f"nothing in what was measured, but {words}"


def console_rows(findings: Sequence[Finding] | None, folder: str, is_well_seen: bool) -> Iterator[tuple[str, str]]:
    """Yield label and text of each line that a plain run prints; folder: as it is typed; see nothing_found."""
    if findings is None:
        return
    if not findings:
        yield from sentence_rows("found", nothing_found(is_well_seen))
        return
    for finding in findings[:MAX_SHOWN]:
        yield from sentence_rows("caution" if finding.is_caution else "found", said(finding))
        yield from (("try", printable(shlex.join(first))) for first in finding.remedies[:1])
    if len(findings) > MAX_SHOWN:
        yield "", f"{len(findings) - MAX_SHOWN} more in result.yaml"
    yield "diagnose", diagnose_command(findings, folder)


def sentence_rows(label: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield label and text; on a terminal that is too narrow the text goes on below itself."""
    shown, width = printable(text), max(get_terminal_size().columns - _LABEL, _LEAST)
    lines = wrap(shown, width, break_long_words=False, break_on_hyphens=False) if sys.stdout.isatty() else [shown]
    yield from (("" if place else label, line) for place, line in enumerate(lines))


def diagnose_command(findings: Sequence[Finding], folder: str) -> str:
    """Return the command that says more, and tries a remedy if one promises anything."""
    is_tried = any(finding.remedies and finding.gains != NOTHING for finding in findings)
    return shlex.join(["python", "scripts/diagnose.py", folder, *["--try"] * is_tried])


def said(finding: Finding) -> str:
    """Return name and sentence, or the sentence alone if it begins with the name's words; and in which folds."""
    words, folds = finding.name.replace("_", " "), finding.evidence.get(FOLDS)
    begins = finding.text.lower().replace("-", " ").startswith(words)
    named = finding.text if begins else f"{finding.name}: {finding.text}"
    return named if folds is None else f"{named} (in {folds} folds)"


def rule(finding: Finding) -> str:
    """Return the name with its numbers, the threshold, and who says so."""
    numbers = measured(finding)
    parts = {"Threshold": finding.threshold, "Source": finding.source}
    lines = [f"{label}: {words}" for label, words in parts.items() if words]
    return ". ".join([f"{finding.name}{': ' if numbers else ''}{numbers}", *lines]) + "."


def measured(finding: Finding) -> str:
    """Return the evidence as names and numbers."""
    shown = (
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in finding.evidence.items()
    )
    return ", ".join(shown)


def as_markdown(findings: Sequence[Finding], is_well_seen: bool = True) -> str:
    """Return the findings as Markdown, whose texts are shown as they are; see nothing_found."""
    return "\n\n".join(map(_paragraphs, findings)) or f"Found {nothing_found(is_well_seen)}."


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
