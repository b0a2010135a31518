"""The front of a study of several objectives: the trials that no other one dominates, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tunesmith.insight.pages.page import folded, missing, sentence, table
from tunesmith.insight.pages.param_scale import to_text
from tunesmith.insight.pages.plain_values import dict_of, dicts_of, list_at, shown
from tunesmith.insight.pages.study_facts import StudyFacts

# Trials that are shown without a click.
MAX_FRONT = 10


def front_table(study: StudyFacts) -> Iterator[str]:
    """Return the trials that no other one dominates: with several objectives there is no best one."""
    solutions = dicts_of(study.results.get("solutions"))
    if not solutions:
        yield missing("No front: no trial has run to its end, or optimization_results.yaml is not there.")
        return
    are = "1 trial is" if len(solutions) == 1 else f"{len(solutions)} trials are"
    yield sentence(f"{are} dominated by no other one; with several objectives none is the best.")
    metrics = [f"{name} ({mode})" for name, mode in zip([study.metric, *study.others], study.modes, strict=True)]
    columns = ["trial", *metrics, "configuration"]
    rows = [_solution(each) for each in solutions]
    yield table(columns, rows[:MAX_FRONT])
    if len(rows) > MAX_FRONT:
        yield folded(f"{len(rows) - MAX_FRONT} more", table(columns, rows[MAX_FRONT:]))


def _solution(found: Mapping[str, Any]) -> list[object]:
    words = [f"{key}={to_text(value)}" for key, value in dict_of(found.get("params")).items()]
    return [found.get("trial"), *map(shown, list_at(found, "values")), "  ".join(words)]
