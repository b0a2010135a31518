"""The section `top`: the best trials, what stages and confirmation found, and which worker ran what when."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.insight.pages.answer import ties
from tunesmith.insight.pages.figures import number
from tunesmith.insight.pages.page import Section, command, folded, missing, sentence, table
from tunesmith.insight.pages.param_ranking import rank_params
from tunesmith.insight.pages.param_scale import shorten, to_text
from tunesmith.insight.pages.repeating import repeat_command
from tunesmith.insight.pages.stages import confirmation_table, stages_table
from tunesmith.insight.pages.study_facts import StudyFacts, TrialFacts
from tunesmith.insight.pages.timeline import describe_workers, timeline_figure

# Trials of the table, and parameters that have a column in it.
MAX_TRIALS, MAX_PARAMS = 10, 12
AS_GOOD = "as\u00a0good"
_FURTHER = ("epochs", "seconds", "stage", "findings", "folder")


def top(facts: StudyFacts) -> Section:
    """Return the section: tables of the best trials, stages and confirmed configurations; the timeline of workers."""
    parts = [
        _best_trials(facts),
        stages_table(facts),
        confirmation_table(facts),
        "".join(map(sentence, describe_workers(facts))),
    ]
    timeline = timeline_figure(facts)
    return Section("top", "Best trials, stages, workers", "".join(parts), (timeline,) if timeline else ())


def _best_trials(facts: StudyFacts) -> str:
    ranked = facts.ranked[:MAX_TRIALS]
    if not ranked:
        return missing("No trial has run to its end, so there is no best one.")
    keys = [key for key in _important_keys(facts) if any(key in trial.params for trial in ranked)]
    columns = ["trial", "", facts.metric, *facts.others, *_FURTHER, *keys[:MAX_PARAMS]]
    tied = [] if facts.best is None else ties(facts, facts.best)
    marks = ["best" if trial is facts.best else AS_GOOD if trial in tied else "" for trial in ranked]
    rows = [_row(facts, trial, mark, keys[:MAX_PARAMS]) for trial, mark in zip(ranked, marks, strict=True)]
    cut = f" {len(keys) - MAX_PARAMS} further parameters are in trials.csv." if len(keys) > MAX_PARAMS else ""
    classes = [mark if mark == "best" else "" for mark in marks]
    shown = _without_empty(columns, rows)
    return sentence(f"{_how_many(facts, len(ranked))}{cut}") + table(*shown, classes) + _repeat_commands(facts, ranked)


def _how_many(facts: StudyFacts, num: int) -> str:
    if num == 1:
        return "One trial ran to its end and can be the best one."
    several = ", by the first of several objectives" if facts.is_multi else ""
    kept = " and kept all constraints" if any(trial.is_infeasible for trial in facts.trials) else ""
    return f"The best {num} of {len(facts.ranked)} trials that ran to their end{kept}{several}."


def _row(facts: StudyFacts, trial: TrialFacts, mark: str, keys: Sequence[str]) -> list[object]:
    values = [*map(number, trial.values)] or [number(trial.value)]
    padded = [*values, *["-"] * len(facts.others)][: 1 + len(facts.others)]
    params = [shorten(to_text(trial.params[key])) if key in trial.params else "-" for key in keys]
    duration = "-" if trial.seconds is None else round(trial.seconds, 2)
    further = [trial.epochs, duration, trial.stage or "", ", ".join(trial.findings), trial.folder]
    return [trial.number, mark, *padded, *further, *params]


def _without_empty(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> tuple[list[str], list[list[object]]]:
    """Return a table without the columns that are empty in each row."""
    kept = [place for place in range(len(columns)) if any(row[place] != "" for row in rows)]
    return [columns[place] for place in kept], [[row[place] for place in kept] for row in rows]


def _important_keys(facts: StudyFacts) -> list[str]:
    """Return the parameters, the most important first if importances can be computed."""
    first = list(rank_params(facts).shares)
    return [*first, *(param.key for param in facts.params if param.key not in first)]


def _repeat_commands(facts: StudyFacts, trials: Sequence[TrialFacts]) -> str:
    lines = [(trial, line) for trial in trials if (line := repeat_command(facts, trial)) is not None]
    listed = "".join(sentence(f"trial {trial.number}") + command(line) for trial, line in lines)
    return folded("Commands that repeat these trials, each as a run of its own", listed) if listed else ""
