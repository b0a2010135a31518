"""Which worker ran which trial when: a row per worker, a bar per trial."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Sized
from datetime import datetime

from tunesmith.insight.pages import figures
from tunesmith.insight.pages.drawn_trials import thin
from tunesmith.insight.pages.figures import Spec, duration, label, number
from tunesmith.insight.pages.page import Figure
from tunesmith.insight.pages.study_facts import StudyFacts, TrialFacts

MAX_BARS, MAX_WORKERS = 2000, 64
UNKNOWN = "unknown worker"

Span = tuple[datetime, datetime]


def timeline_figure(facts: StudyFacts) -> Figure | None:
    """Return the figure, None if no trial has a time."""
    spans = _spans(facts.trials)
    if not spans:
        return None
    rows = list(_by_worker(spans))[:MAX_WORKERS]
    shown = [trial for trial, _ in spans if (trial.worker or UNKNOWN) in rows]
    trials = sorted(thin(shown, MAX_BARS), key=lambda trial: trial.number)
    states = list(dict.fromkeys(trial.state for trial in trials))
    ends = {trial.number: span for trial, span in spans}
    traces = [_bars(facts, [trial for trial in trials if trial.state == state], ends, rows, state) for state in states]
    layout = figures.layout(
        figures.axis("", type="date"),
        figures.axis(
            "", tickvals=list(range(len(rows))), ticktext=[label(row, 28) for row in rows], autorange="reversed"
        ),
        barmode="overlay",
        bargap=0.3,
    )
    return Figure(
        "timeline",
        {"data": traces, "layout": layout},
        110 + 24 * max(2, len(rows)),
        label="trials of each worker over time",
    )


def describe_workers(facts: StudyFacts) -> list[str]:
    """Say how many workers ran the trials, and how long they had nothing to do between two of them."""
    spans = _spans(facts.trials)
    if not spans:
        return ["No time of a trial is recorded."]
    by_worker = _by_worker(spans)
    begin, end = min(start for _, (start, _) in spans), max(end for _, (_, end) in spans)
    said = [f"{_count(spans, 'trial')} on {_count(by_worker, 'worker')} in {duration(_length((begin, end)))}."]
    if len(spans) > len(by_worker):
        said[0] = f"{said[0][:-1]}; between two trials, a worker was idle for {_idle_part(by_worker):.0%} of the time."
    if len(by_worker) > MAX_WORKERS:
        said.append(f"{MAX_WORKERS} of {len(by_worker)} workers are drawn.")
    return said + ([f"{MAX_BARS} of {len(spans)} trials are drawn."] if len(spans) > MAX_BARS else [])


def _spans(trials: Sequence[TrialFacts]) -> list[tuple[TrialFacts, Span]]:
    """Return trials with begin and end; one that runs ends with the last moment that is known."""
    moments = [moment for trial in trials for moment in (trial.started, trial.ended) if moment is not None]
    return [
        (trial, (trial.started, max(trial.started, trial.ended or max(moments))))
        for trial in trials
        if trial.started is not None and (trial.ended is not None or trial.state == "running")
    ]


def _by_worker(spans: Sequence[tuple[TrialFacts, Span]]) -> dict[str, list[Span]]:
    """Return the spans of each worker, in the order of their beginning; workers by name."""
    rows: dict[str, list[Span]] = defaultdict(list)
    for trial, span in sorted(spans, key=lambda pair: pair[1]):
        rows[trial.worker or UNKNOWN].append(span)
    return dict(sorted(rows.items(), key=lambda row: _natural(row[0])))


def _natural(name: str) -> tuple[str, int, str]:
    """Sort worker 10 behind worker 9."""
    head, _, tail = name.rpartition(" ")
    return (head, int(tail), "") if tail.isdecimal() else (name, 0, "")


def _idle_part(by_worker: Mapping[str, Sequence[Span]]) -> float:
    """Return the part of the time from a worker's first trial to its last one in which it ran none."""
    present = sum(_length((row[0][0], max(end for _, end in row))) for row in by_worker.values())
    busy = sum(map(_busy_seconds, by_worker.values()))
    return 1 - busy / present if present else 0.0


def _busy_seconds(spans: Sequence[Span]) -> float:
    """Return the seconds in which a worker ran a trial, or several at once."""
    total, reached = 0.0, spans[0][0]
    for start, end in spans:
        total += max(0.0, _length((max(start, reached), end)))
        reached = max(reached, end)
    return total


def _length(span: Span) -> float:
    return (span[1] - span[0]).total_seconds()


def _count(things: Sized, name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def _bars(
    facts: StudyFacts, trials: Sequence[TrialFacts], spans: Mapping[int, Span], rows: Sequence[str], state: str
) -> Spec:
    pairs = [(trial, *spans[trial.number]) for trial in trials]
    return {
        "type": "bar",
        "orientation": "h",
        "name": state,
        "base": [start.isoformat() for _, start, _ in pairs],
        "x": [max(1.0, 1000 * _length((start, end))) for _, start, end in pairs],
        "y": [rows.index(trial.worker or UNKNOWN) for trial in trials],
        "text": [_hover(facts, trial) for trial in trials],
        "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "color": figures.STATES.get(state, figures.FAINT),
            "line": {"width": 0.5, "color": "rgba(128,128,128,.5)"},
        },
    }


def _hover(facts: StudyFacts, trial: TrialFacts) -> str:
    stage = "" if trial.stage is None else f", stage {label(trial.stage)}"
    return (
        f"trial {trial.number}{stage}: {trial.state}<br>{label(facts.metric)} {number(trial.value)}<br>"
        f"{trial.epochs} epochs, {duration(trial.seconds)}"
    )
