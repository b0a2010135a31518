"""The table of a comparison: a row per run or study, columns named as in trials.csv and result.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.errors import printable
from tunesmith.insight.comparison.members import best_value, of_run
from tunesmith.insight.evaluation_rows import standard_error
from tunesmith.insight.pages.plain_values import at, dict_of, to_number
from tunesmith.insight.pages.run_facts import RunFacts
from tunesmith.insight.pages.study_facts import ENDED, StudyFacts
from tunesmith.run_folder import TEST_FACTS

Row = Mapping[str, str]
# In this order; a column that is empty in all rows is left out. Metrics of the test part follow.
COLUMNS = ("name", "state", "sampler", "trials", "epochs", "seconds", "metric", "value")


def row_of_run(run: RunFacts) -> Row:
    """Return a run's row of the table."""
    member, result = of_run(run), run.result
    return {
        "name": member.name,
        "state": str(result.get("state") or "unfinished"),
        "epochs": str(result.get("epochs", "")),
        "seconds": _number(result.get("seconds"), ".0f"),
        "metric": member.metric,
        "value": _number(member.value, ".5g"),
        **_test(run.test),
    }


def row_of_study(study: StudyFacts) -> Row:
    """Return a study's row of the table; state: only if trials run."""
    sampler = at(study.sweeper, "sampler._target_") or ""
    trials, epochs, seconds = _spent(study)
    return {
        "name": study.name,
        "state": "RUNNING" if any(trial.state == "running" for trial in study.trials) else "",
        "sampler": str(sampler).rpartition(".")[2],
        "trials": str(trials),
        "epochs": str(epochs),
        "seconds": _number(seconds, ".0f"),
        "metric": study.metric,
        "value": _number(best_value(study), ".5g"),
        **_test(dict_of(study.results.get("test"))),
    }


def _spent(study: StudyFacts) -> tuple[int, int, float]:
    """Return trials that count, their epochs and seconds; as the results tell them if no trial is left."""
    ended = [trial for trial in study.trials if trial.state in ENDED]
    if not ended and study.results:
        counts = {state: to_number(number) or 0 for state, number in dict_of(study.results.get("trials")).items()}
        trials = sum(number for state, number in counts.items() if state != "lost")
        epochs, seconds = at(study.results, "epochs.run"), study.results.get("seconds")
        return int(trials), int(to_number(epochs) or 0), to_number(seconds) or 0.0
    return len(ended), sum(trial.epochs for trial in ended), sum(trial.seconds or 0.0 for trial in ended)


def to_lines(rows: Sequence[Row]) -> list[str]:
    """Return the table as aligned lines, the names of its columns first."""
    named = dict.fromkeys((*COLUMNS, *(name for row in rows for name in row)))
    columns = [name for name in named if any(row.get(name) for row in rows)]
    cells = [columns, *([printable(row.get(name, "")) for name in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]


def noise_line(test: Mapping[str, Any]) -> str | None:
    """Return a line with the standard error of a test accuracy; None without one, or if nobody counted the samples."""
    accuracy, samples, error = to_number(test.get("test/acc")), test.get("samples"), standard_error(test, "test/acc")
    if accuracy is None or error is None:
        return None
    return f"one standard error of an accuracy of {accuracy:.3f} on {samples} samples is {error:.4f}"


def _test(test: Mapping[str, Any]) -> Row:
    metrics = {name: value for name, value in test.items() if name not in TEST_FACTS}
    return {name: _number(value, ".4g") for name, value in metrics.items()}


def _number(value: object, spec: str) -> str:
    return format(value, spec) if isinstance(value, int | float) else "none"
