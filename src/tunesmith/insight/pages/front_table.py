"""The front of a study of several objectives: the trials that no other one dominates, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tunesmith.insight.pages.figures import number
from tunesmith.insight.pages.hover import value_text
from tunesmith.insight.pages.page import folded, missing, sentence, table
from tunesmith.insight.pages.study_facts import StudyFacts

# Trials that are shown without a click.
MAX_FRONT = 10


def front_table(study: StudyFacts) -> Iterator[str]:
    """Return the trials that no other one dominates: with several objectives there is no best one."""
    found = study.results.get("solutions")
    solutions = [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
    if not solutions:
        yield missing("No front: no trial has run to its end, or optimization_results.yaml is not there.")
        return
    are = "1 trial is" if len(solutions) == 1 else f"{len(solutions)} trials are"
    yield sentence(f"{are} dominated by no other one; with several objectives none is the best.")
    metrics = [f"{name} ({mode})" for name, mode in zip([study.metric, *study.others], study.modes, strict=True)]
    rows = [_solution(each) for each in solutions]
    shown = table(["trial", *metrics, "configuration"], rows[:MAX_FRONT])
    yield shown
    if len(rows) > MAX_FRONT:
        yield folded(f"{len(rows) - MAX_FRONT} more", table(["trial", *metrics, "configuration"], rows[MAX_FRONT:]))


def _solution(found: Mapping[str, Any]) -> list[object]:
    params = found.get("params")
    words = [f"{key}={value_text(value)}" for key, value in params.items()] if isinstance(params, Mapping) else []
    values = found.get("values")
    listed = values if isinstance(values, list | tuple) else []
    numbers = [number(each) if isinstance(each, int | float) else each for each in listed]
    return [found.get("trial"), *numbers, "  ".join(words)]
