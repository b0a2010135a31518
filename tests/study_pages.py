"""Studies as their pages know them, and what tests read in a page."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from tunesmith.insight.pages.page import Section
from tunesmith.insight.pages.study_facts import State, StudyFacts, TrialFacts


def trial(number: int, value: float | None = None, state: State = "complete", **more: Any) -> TrialFacts:
    """A trial of three epochs that got steadily better, if it has a value."""
    curve = {} if value is None else {1: value + 2, 2: value + 1, 3: value}
    given = {"values": [] if value is None else [value], "curve": curve, "epochs": len(curve), "folder": str(number)}
    return TrialFacts(number, state, value, **{**given, **more})


def study_of(*trials: TrialFacts, **more: Any) -> StudyFacts:
    return StudyFacts(**{"name": "s", "metric": "val/loss", "trials": trials, **more})


def words(section: Section) -> str:
    """The text that a reader sees of a section."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", section.body + section.tail))).strip()


def specs(page: str) -> dict[str, Any]:
    """The figures of a page, as the browser gets them: id -> spec."""
    found = re.findall(r'<script type="application/json" id="([\w-]+)-spec">(.*?)</script>', page, re.S)
    return {name: json.loads(spec) for name, spec in found}


def traces(section: Section, place: int = 0) -> dict[str, Any]:
    """The traces of one of a section's figures, by their names."""
    return {trace["name"]: trace for trace in section.figures[place].spec["data"]}
