"""The page of a study: its sections in their order, each of which may fail alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tunesmith.insight.pages.answer import answer
from tunesmith.insight.pages.context import data, space
from tunesmith.insight.pages.curves import curves
from tunesmith.insight.pages.next_steps import next_steps
from tunesmith.insight.pages.page import Section, Sections, make_sections, missing, to_html
from tunesmith.insight.pages.parameters import parameters
from tunesmith.insight.pages.search import search
from tunesmith.insight.pages.study_facts import StudyFacts
from tunesmith.insight.pages.top import top

SECTIONS: Sections[StudyFacts] = {
    "answer": ("Answer", answer),
    "next": ("What to do next", next_steps),
    "search": ("Search", search),
    "curves": ("Learning curves", curves),
    "parameters": ("Parameters", parameters),
    "top": ("Best trials, stages, workers", top),
    "data": ("Data", data),
    "space": ("Space, search, environment", space),
}


def study_page(study: StudyFacts, subtitle: str = "") -> str:
    """Return the page as HTML."""
    return to_html(f"Study {study.name}", study_sections(study), subtitle)


def study_sections(study: StudyFacts) -> list[Section]:
    """Return the sections; one that cannot be made says so in its place, as does what the study's folder lacks."""
    made = make_sections(SECTIONS, study)
    whole = list(study.missing.get("", ()))
    return [
        _with_lacks(section, [*(whole if not place else ()), *study.missing.get(section.id, ())])
        for place, section in enumerate(made)
    ]


def _with_lacks(section: Section, sentences: Sequence[str]) -> Section:
    return replace(section, body="".join(map(missing, sentences)) + section.body)
