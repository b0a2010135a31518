"""The page of a study: all sections, whatever the study holds, and what is missing in its place."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from study_pages import specs, study_of, trial, words

from tunesmith.insight.pages.study_facts import ParamFacts, StudyFacts
from tunesmith.insight.pages.study_page import SECTIONS, study_page, study_sections

HOSTILE = "<script>alert('x')</script>"
LR = ParamFacts("lr", is_log=True, low=1e-4, high=1e-1)
PARAMS = {"lr": 1e-3, HOSTILE: HOSTILE}
STUDIES = {
    "empty": study_of(),
    "running": study_of(trial(0, None, "running")),
    "failed": study_of(trial(0, None, "failed", reason=HOSTILE)),
    "one": study_of(trial(0, 0.5, params={"lr": 1e-3}), params=[LR]),
    "not finite": study_of(trial(0, math.nan), trial(1, math.inf), trial(2, -math.inf), params=[LR]),
    "hostile": study_of(
        *(trial(number, 1.0 + number, params=PARAMS, stage=HOSTILE, worker=HOSTILE) for number in range(20)),
        trial(20, None, "failed", reason=HOSTILE, params=PARAMS),
        name=HOSTILE,
        metric=HOSTILE,
        params=[LR, ParamFacts(HOSTILE, choices=[HOSTILE])],
        results={"checks": [{"name": HOSTILE, "text": HOSTILE, "override": HOSTILE}], "epochs": HOSTILE},
        config={"hydra": {"sweeper": {"stages": HOSTILE, "sampler": HOSTILE}}, "data": HOSTILE},
        best_result={"epoch": HOSTILE, "versions": HOSTILE},
        best_test={"test/loss": HOSTILE, HOSTILE: 0.5},
        repeat_command=HOSTILE,
        resume_command=HOSTILE,
        folder=HOSTILE,
    ),
}


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_every_study_has_all_sections(study: StudyFacts) -> None:
    sections = study_sections(study)
    assert [section.id for section in sections] == list(SECTIONS)
    assert list(SECTIONS) == ["answer", "next", "search", "curves", "parameters", "top", "data", "space"]
    assert not [words(section) for section in sections if "could not be made" in section.body]


def test_nothing_of_a_study_is_markup() -> None:
    page = study_page(STUDIES["hostile"], HOSTILE)
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(" in page
    for spec in specs(page).values():  # plotly reads markup of texts, too
        assert "<script" not in str(spec).lower()


def test_figures_have_ids_of_their_own() -> None:
    page = study_page(STUDIES["hostile"])
    ids = re.findall(r'class="plot" id="([^"]+)"', page)
    assert len(ids) == len(set(ids)) >= 3


def test_what_is_missing_stands_in_its_section_and_what_the_page_lacks_in_the_first() -> None:
    study = replace(STUDIES["one"], missing={"": ["no storage"], "next": ["no results"]})
    first, second, *others = map(words, study_sections(study))
    assert first.startswith("no storage")
    assert "no results" in second
    assert not any("no storage" in other or "no results" in other for other in others)


def test_a_section_that_fails_says_so_and_the_others_stand() -> None:
    broken = replace(STUDIES["one"], results={"checks": [{"name": "x", "override": "a='"}]}, resume_command="a '")
    told = {section.id: words(section) for section in study_sections(broken)}
    assert "This part could not be made (ValueError" in told["next"]
    assert "0.5" in told["answer"]
