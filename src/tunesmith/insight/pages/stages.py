"""What the stages of a search and a confirmation found, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.insight.pages.page import sentence, table
from tunesmith.insight.pages.plain_values import at, dict_of, dicts_of, shown
from tunesmith.insight.pages.study_facts import StudyFacts

# Stages that run configurations again on further seeds.
_CONFIRMING = ("confirm", "confirm_rest")


def stages_table(facts: StudyFacts) -> str:
    """Return the table of the stages, and of the effects in those that changed one key at a time; else nothing."""
    stages = dicts_of(at(facts.results, "search.stages"))
    if facts.results.get("confirm"):  # it has a table of its own
        stages = [stage for stage in stages if stage.get("name") not in _CONFIRMING]
    if not stages:
        return ""
    columns = ["stage", "sampler", "pruner", "trials", "best trial", "best value"]
    names = ("name", "sampler", "pruner", "trials", "best_trial", "best_value")
    rows = [[shown(stage.get(name)) for name in names] for stage in stages]
    said = sentence("The stages of the search; values of stages with other data or other epochs are not comparable:")
    return said + table(columns, rows) + "".join(map(_effects, stages))


def _effects(stage: Mapping[str, Any]) -> str:
    """Return what each key did in a stage that changed one key at a time."""
    effects = dicts_of(stage.get("effects"))
    if not effects:
        return ""
    said = sentence(f"Stage {shown(stage.get('name'))}: how far each key alone moved the value")
    rows = [
        [shown(each.get("key")), shown(each.get("effect")), shown(each.get("best")), _pairs(each)] for each in effects
    ]
    return said + table(["parameter", "effect", "best at", "value at each setting"], rows)


def _pairs(effect: Mapping[str, Any]) -> str:
    pairs = effect.get("values")
    whole = [pair for pair in pairs if isinstance(pair, list) and len(pair) == 2] if isinstance(pairs, list) else []
    return ", ".join(f"{shown(setting)}: {shown(value)}" for setting, value in whole)


def confirmation_table(facts: StudyFacts) -> str:
    """Return the table of the configurations that ran again on further seeds, nothing if none did."""
    confirmed = dict_of(facts.results.get("confirm"))
    candidates = dicts_of(confirmed.get("candidates"))
    if not candidates:
        return ""
    repeats = dict_of(confirmed.get("repeats"))
    ended, planned = shown(repeats.get("ended")), shown(repeats.get("planned"))
    said = f"The best configurations on further seeds: {ended} of {planned} repeats have ended."
    worse = ("worse than the best by", "95 % interval")
    columns = ["trial", "first value", "mean", "95 % interval", "seeds", "failed", *worse]
    rows = [_candidate_row(each) for each in candidates]
    classes = ["best" if each.get("trial") == confirmed.get("trial") else "" for each in candidates]
    return sentence(said) + table(columns, rows, classes)


def _candidate_row(candidate: Mapping[str, Any]) -> list[str]:
    seeds = candidate.get("seeds")
    return [
        shown(candidate.get("trial")),
        shown(candidate.get("first")),
        shown(candidate.get("mean")),
        _interval(candidate.get("interval")),
        str(len(seeds)) if isinstance(seeds, list) else "-",
        shown(candidate.get("failed")),
        shown(candidate.get("difference")),
        _interval(candidate.get("difference_interval")),
    ]


def _interval(value: object) -> str:
    return " to ".join(map(shown, value)) if isinstance(value, list | tuple) else "-"
