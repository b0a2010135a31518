"""The section `search`: the best value so far against epochs and against trials; of several objectives the front."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.insight.pages import figures
from tunesmith.insight.pages.figures import ACCENT, FAINT, INK, WARN, axis, is_wide, layout, log_switch, value_axis
from tunesmith.insight.pages.hover import describe
from tunesmith.insight.pages.page import Figure, Section, missing, sentence
from tunesmith.insight.pages.plain_values import dicts_of
from tunesmith.insight.pages.study_facts import ENDED, StudyFacts, TrialFacts

# Points of a figure; of more trials every n-th is drawn, beside those that were the best so far.
MAX_POINTS = 1500


@dataclass(frozen=True)
class _Ended:
    """A trial in the order of ends; epochs: of all trials until then; is_best: whether it was the best so far."""

    trial: TrialFacts
    place: int
    epochs: int
    is_best: bool


def search(study: StudyFacts) -> Section:
    """Return the section."""
    ended = [trial for trial in study.trials if trial.state in ENDED and not trial.is_repeat]
    if not any(math.isfinite(value) for trial in ended for value in trial.values):
        return Section("search", "Search", missing("No trial has a finite value to draw yet."))
    return Section("search", "Search", *(_front(study, ended) if study.is_multi else _so_far(study, ended)))


def _so_far(study: StudyFacts, ended: Sequence[TrialFacts]) -> tuple[str, list[Figure]]:
    steps = _steps(study, ended)
    shown = _thinned(steps)
    drawn = [step for step in shown if step.trial.value is not None and math.isfinite(step.trial.value)]
    values = [step.trial.value for step in drawn]
    num_infinite = sum(step.trial.value is not None and not math.isfinite(step.trial.value) for step in steps)
    body = sentence(
        "The best value so far, after each trial that could be compared, ran to its end and kept all constraints; "
        "dots are single trials, pruned ones at their best epoch."
    )
    if len(shown) < len(steps):
        body += sentence(f"{len(shown)} of {len(steps)} trials are drawn as dots; the line is of all.")
    if num_infinite:
        have = "1 trial has" if num_infinite == 1 else f"{num_infinite} trials have"
        body += sentence(f"{have} a value that is not finite, and no dot.")
    is_log = is_wide(values)
    made = [
        Figure(
            f"search-{name}",
            _spec(study, steps, drawn, name, title, is_log),
            380,
            [log_switch(is_log)],
            f"best {study.metric} so far against {title}",
            is_half=True,
        )
        for name, title in (("epochs", "epochs spent by all trials"), ("place", "trials that ended"))
    ]
    return body, made


def _steps(study: StudyFacts, ended: Sequence[TrialFacts]) -> list[_Ended]:
    """Return the trials in the order of their ends, of their numbers if no time is known."""
    times = {trial.number: trial.ended.timestamp() if trial.ended else math.nan for trial in ended}
    is_timed = all(math.isfinite(time) for time in times.values())
    able = {trial.number for trial in study.ranked}
    steps: list[_Ended] = []
    epochs, best = 0, math.inf
    for trial in sorted(ended, key=lambda each: (times[each.number] if is_timed else 0.0, each.number)):
        epochs += trial.epochs
        loss = study.sign * trial.value if trial.value is not None and trial.number in able else math.inf
        steps.append(_Ended(trial, len(steps) + 1, epochs, loss < best))
        best = min(best, loss)
    return steps


def _thinned(steps: Sequence[_Ended]) -> list[_Ended]:
    every = -(-len(steps) // MAX_POINTS)
    return [step for index, step in enumerate(steps) if index % every == 0 or step.is_best]


def _spec(
    study: StudyFacts, steps: Sequence[_Ended], drawn: Sequence[_Ended], name: str, title: str, is_log: bool
) -> dict[str, Any]:
    bests = [step for step in steps if step.is_best]
    line = [*bests, *(steps[-1:] if bests else ())]
    levels = [step.trial.value for step in (*bests, *bests[-1:])]
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "best so far",
            "x": [getattr(step, name) for step in line],
            "y": levels,
            "line": {"shape": "hv", "color": ACCENT, "width": 2.5},
            "hoverinfo": "skip",
        },
        *_dots(drawn, name),
        *_levels(study, [getattr(steps[0], name), getattr(steps[-1], name)]),
    ]
    y = value_axis(study.metric, [step.trial.value for step in drawn], is_log)
    return {"data": traces, "layout": layout(axis(title, rangemode="tozero"), y)}


def _dots(drawn: Sequence[_Ended], name: str) -> list[dict[str, Any]]:
    kinds: dict[str, list[_Ended]] = {}
    for step in drawn:
        kinds.setdefault(_kind(step.trial), []).append(step)
    colours = {"complete": INK, "pruned": FAINT, "breaks a constraint": WARN}
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": kind,
            "x": [getattr(step, name) for step in steps],
            "y": [step.trial.value for step in steps],
            "texts": [describe(step.trial, f"{step.epochs} epochs until here") for step in steps],
            "text_index": list(range(len(steps))),
            "hovertemplate": "%{text}<extra></extra>",
            "marker": {
                "color": colours.get(kind, FAINT),
                "size": 6,
                "symbol": {"pruned": "x-thin-open", "complete": "circle"}.get(kind, "circle-open"),
            },
        }
        for kind, steps in kinds.items()
    ]


def _kind(trial: TrialFacts) -> str:
    if not trial.is_comparable:
        return "another stage's data or epochs"
    return "breaks a constraint" if trial.is_infeasible else trial.state


def _levels(study: StudyFacts, ends: Sequence[int]) -> list[dict[str, Any]]:
    """Return lines at what a search has to beat: the configuration as it stands, and a linear model."""
    stands = study.baseline
    baseline = stands.value if stands is not None and stands.is_comparable else None
    linear = study.linear.get(study.metric)
    levels = {"as it stands": (baseline, "dash"), "linear model": (linear, "dot")}
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": list(ends),
            "y": [value, value],
            "line": {"dash": dash, "color": figures.GOOD, "width": 1.5},
            "hovertemplate": f"{name}: {figures.number(float(value))}<extra></extra>",
        }
        for name, (value, dash) in levels.items()
        if isinstance(value, int | float) and math.isfinite(value)
    ]


def _front(study: StudyFacts, ended: Sequence[TrialFacts]) -> tuple[str, list[Figure]]:
    """Return the first two objectives of all complete trials, those of the front marked."""
    numbers = {each.get("trial") for each in dicts_of(study.results.get("solutions"))}
    complete = [trial for trial in ended if len(trial.values) > 1 and all(map(math.isfinite, trial.values[:2]))]
    every = -(-len(complete) // MAX_POINTS) or 1
    shown = [trial for index, trial in enumerate(complete) if index % every == 0 or trial.number in numbers]
    kinds = {
        "other trials": [trial for trial in shown if trial.number not in numbers and not trial.is_infeasible],
        "breaks a constraint": [trial for trial in shown if trial.is_infeasible],
        "front": [trial for trial in shown if trial.number in numbers],
    }
    colours = {"other trials": FAINT, "breaks a constraint": WARN, "front": ACCENT}
    traces = [_objectives(name, trials, colours[name]) for name, trials in kinds.items() if trials]
    logs = [is_wide([trial.values[place] for trial in shown]) for place in (0, 1)]
    names = [f"{name} ({mode})" for name, mode in zip([study.metric, *study.others], study.modes, strict=True)]
    axes = [value_axis(names[place], [trial.values[place] for trial in shown], logs[place]) for place in (0, 1)]
    spec = {"data": traces, "layout": layout(*axes)}
    more = "; the first two of them are drawn" if len(names) > 2 else ""
    body = sentence(f"Values of the complete trials in {len(names)} objectives{more}.")
    if len(shown) < len(complete):
        body += sentence(f"{len(shown)} of {len(complete)} trials are drawn.")
    switches = [log_switch(logs[0], "xaxis", "x "), log_switch(logs[1], "yaxis", "y ")]
    return body, [Figure("search-front", spec, 440, switches, "objectives of all trials")]


def _objectives(name: str, trials: Iterable[TrialFacts], colour: str) -> dict[str, Any]:
    listed = list(trials)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [trial.values[0] for trial in listed],
        "y": [trial.values[1] for trial in listed],
        "text": [describe(trial) for trial in listed],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"color": colour, "size": 7 if name == "front" else 5},
    }
