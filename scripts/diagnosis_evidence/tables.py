"""The tables of docs/diagnosis.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from recorded import Cells, Recorded, by_cell, hurts, median_error
from scoring import (
    Answers,
    findings_per_run,
    first_names,
    has_alarm,
    is_anywhere,
    is_caution,
    is_fair,
    is_strict,
    share,
)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"


def counting(runs: Sequence[Recorded]) -> list[Recorded]:
    """Return the faulty runs that count: of plants that hurt, without cautions."""
    cells = by_cell(runs)
    return [
        run
        for cell in cells.values()
        if not (cell[0].is_healthy or is_caution(cell[0])) and hurts(cell, cells)
        for run in cell
    ]


def summary(runs: Sequence[Recorded], answers: Mapping[str, Answers]) -> Iterator[str]:
    """A row for each diagnoser: how often it is right, how much it says, how often it alarms on healthy runs."""
    faulty, healthy = counting(runs), [run for run in runs if run.is_healthy]
    rows = [
        (
            name,
            *(share(faulty, of_name, measure) for measure in (is_strict, is_fair, is_anywhere)),
            f"{findings_per_run(faulty, of_name):.1f}",
            share(healthy, of_name, has_alarm),
        )
        for name, of_name in answers.items()
    ]
    return table(("who", "main name first", "right first", "right anywhere", "findings a run", "healthy alarms"), rows)


def alarms(runs: Sequence[Recorded], answers: Mapping[str, Answers]) -> Iterator[str]:
    """A row for each diagnoser that is no constant: how often it alarms on healthy runs, and by which names."""
    rows = [
        (name, share(runs, of_name, has_alarm), _named([run for run in runs if of_name[run]], of_name))
        for name, of_name in answers.items()
        if not name.startswith("always ")
    ]
    return table(("who", "healthy runs with an alarm", "named first"), rows)


def by_set(runs: Sequence[Recorded], answers: Answers) -> Iterator[str]:
    """A row for each data set, by the rules of ours."""
    faulty = counting(runs)
    rows = [
        (
            name,
            *(share([run for run in faulty if run.set == name], answers, measure) for measure in (is_strict, is_fair)),
            share([run for run in runs if run.is_healthy and run.set == name], answers, has_alarm),
        )
        for name in sorted({run.set for run in runs})
    ]
    return table(("data set", "main name first", "right first", "healthy alarms"), rows)


def confusion(runs: Sequence[Recorded], answers: Answers) -> Iterator[str]:
    """A row for each plant, which sets it hurts, and what is named first there."""
    cells = by_cell(runs)
    plants = sorted({(run.is_healthy, is_caution(run), run.names, run.plant) for run in runs})
    rows = [_row(plant, cells, answers) for *_, plant in plants]
    head = ("plant", "truth", "hurts on", "runs", "right first", "named first", "where it does no harm")
    return table(head, rows)


def _row(plant: str, cells: Cells, answers: Answers) -> tuple[object, ...]:
    own = [cell for (_, name, _), cell in cells.items() if name == plant]
    first = own[0][0]
    is_fault = not (first.is_healthy or is_caution(first))
    counted = [run for cell in own if not is_fault or hurts(cell, cells) for run in cell]
    others = [run for cell in own for run in cell if run not in counted]
    measure = is_anywhere if is_caution(first) else is_fair
    right = sum(measure(run, answers[run]) for run in counted) if not first.is_healthy else ""
    names = ", ".join(first.names) or "none"
    sets = "" if not is_fault else f"{sum(hurts(cell, cells) for cell in own)} of {len(own)} sets"
    return plant, names, sets, len(counted), right, _named(counted, answers), _named(others, answers)


def _named(runs: Sequence[Recorded], answers: Answers) -> str:
    return ", ".join(f"{name} {count}" for name, count in first_names(runs, answers))


def misses(runs: Sequence[Recorded], answers: Answers) -> Iterator[str]:
    """A line for each wrong first finding, and each alarm on a healthy run: its folder, and what was said."""
    for run in [*counting(runs), *(run for run in runs if run.is_healthy)]:
        is_wrong = has_alarm(run, answers[run]) if run.is_healthy else not is_fair(run, answers[run])
        if is_wrong:
            said = ", ".join(each.name for each in answers[run]) or "none"
            yield f"{run.folder}: {'healthy' if run.is_healthy else run.names[0]}, named {said}"


def harm_lines(runs: Sequence[Recorded]) -> Iterator[str]:
    """A row for each plant and set: the median error, and whether it counts."""
    cells = by_cell(runs)
    rows = [
        (plant, name, f"{median_error(cell):.3g}", "" if cell[0].is_healthy else hurts(cell, cells))
        for (_, plant, name), cell in cells.items()
    ]
    return table(("plant", "data set", "median error", "counts"), rows)
