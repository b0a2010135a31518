"""Findings about a data set before the first step: copies, parts that differ, a give-away, an order that misleads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tunesmith.data.array_data import ArrayData
from tunesmith.data.give_away import NEXT, TELLS, GiveAway
from tunesmith.data.measures import MIN_COPIES, MIN_SHARE, Copies, Measures
from tunesmith.data.shift import CHANCE, LARGEST_DEVIATIONS, MEDIAN_DEVIATIONS, MEDIAN_SE, Shift
from tunesmith.errors import printable

# Copies have to be so many times the rows that nearly meet by nature. Of 120 tables of few values the largest had 1.6.
NATURAL = 2.0
# Sorted targets are near 0, a random order is near 1, and targets in blocks of ten samples are at .1.
SORTED = 0.2
PARTS = {"val": "validation", "test": "test"}


@dataclass(frozen=True)
class Check:
    """A finding; text: one sentence with numbers; threshold: the rule in words."""

    name: str
    text: str
    evidence: Mapping[str, float | str]
    threshold: str


def describe_checks(data: ArrayData) -> dict[str, Any]:
    """Return what data_facts.json says of the checks: their numbers, and as `checks` what they have found."""
    measures = data.splits.measures
    copies, shift, give_away = _worst_copies(measures), _worst_shift(measures), measures.give_away
    return {
        "duplicates": copies and {"part": copies[0], **asdict(copies[1])},
        "shift": shift and {"part": shift[0], **_shift_numbers(measures, shift[1])},
        "give_away": None if give_away is None or give_away.column is None else _give_away_numbers(measures, give_away),
        "order": {"is_shuffled": data.shuffle, "changes": measures.changes},
        "checks": [asdict(check) for check in find_checks(data)],
    }


def find_checks(data: ArrayData) -> list[Check]:
    """Return what was found, in the order in which findings are named."""
    measures = data.splits.measures
    return [
        *_duplicates(measures),
        *(() if data.split == "group" else _shifts(measures)),  # groups differ: they are kept together for that
        *_give_aways(measures),
        *_unshuffled(measures, data),
    ]


def _worst_copies(measures: Measures) -> tuple[str, Copies] | None:
    return max(measures.copies.items(), key=lambda each: (each[1].share, each[1].rows), default=None)


def _duplicates(measures: Measures) -> Iterator[Check]:
    part, copies = _worst_copies(measures) or ("val", Copies(0, 0, 0, 0))
    if copies.rows < MIN_COPIES or copies.share < max(MIN_SHARE, NATURAL * copies.neighbours):
        return
    near = f", where {_percent(copies.neighbours)} of the rows nearly equal another" if copies.neighbours else ""
    yield Check(
        "duplicates",
        f"duplicates: {copies.rows} rows of the {PARTS[part]} part ({_percent(copies.share)} of it) equal a row of "
        f"the training part{near}",
        {"part": PARTS[part], "rows": copies.rows, "share": copies.share, "neighbours": copies.neighbours},
        f"at least {MIN_COPIES} rows, {_percent(MIN_SHARE)} of the part, {NATURAL:g} times the rows that nearly do",
    )


def _worst_shift(measures: Measures) -> tuple[str, Shift] | None:
    """Return the part that differs most; one that a rule finds goes before those that none does."""
    return max(measures.shifts.items(), key=lambda each: (_is_found(each[1]), each[1].value), default=None)


def _is_found(shift: Shift) -> bool:
    return shift.is_all_over or shift.is_of_column


def _shift_numbers(measures: Measures, shift: Shift) -> dict[str, Any]:
    column = None if shift.column is None else measures.columns.prepared_names[shift.column]
    return {**asdict(shift), "column": column, "ratio": shift.value / shift.most_by_chance}


def _shifts(measures: Measures) -> Iterator[Check]:
    part, shift = _worst_shift(measures) or ("val", Shift(None))
    target_part, of_target = max(
        measures.target_shifts.items(), key=lambda each: each[1].value, default=("val", Shift(None))
    )
    if _is_found(shift):
        column = _shift_numbers(measures, shift)["column"]
        yield _shift_check(part, shift, f"column {column}", column)
    elif of_target.is_of_column:
        yield _shift_check(target_part, of_target, "the target")


def _shift_check(part: str, shift: Shift, what: str, column: str | int = "") -> Check:
    errors, deviations = shift.value, shift.deviations
    if shift.is_all_over:
        what, errors, deviations = "the median column", shift.median, shift.median_deviations
    return Check(
        "shift",
        f"shift: the mean of {printable(what)} in the {PARTS[part]} part is {errors:.1f} standard errors from that in "
        f"the training part ({deviations:.2f} deviations of the column)",
        {
            **{"part": PARTS[part], "column": str(column), "standard_errors": shift.value},
            **{"deviations": shift.deviations, "median_standard_errors": shift.median},
        },
        f"median column beyond {MEDIAN_SE:g} standard errors and {MEDIAN_DEVIATIONS:g} deviations, or one beyond "
        f"{shift.most_by_chance:.1f} (the largest by chance, 1 in {1 / CHANCE:.0e}) and {LARGEST_DEVIATIONS:g}",
    )


def _give_away_numbers(measures: Measures, found: GiveAway) -> dict[str, Any]:
    assert found.column is not None
    return {"column": measures.columns.names[found.column], "score": found.score, "next": found.next}


def _give_aways(measures: Measures) -> Iterator[Check]:
    found = measures.give_away
    if found is None or not found.is_found:
        return
    numbers = _give_away_numbers(measures, found)
    yield Check(
        "give_away",
        printable(
            f"give-away: column {numbers['column']} alone tells {100 * found.score:.1f} % of the target, the next best "
            f"one {_percent(found.next)}: is it known before the target is?"
        ),
        {**numbers, "column": str(numbers["column"])},
        f"a column that tells more than {_percent(TELLS)}, where the next one tells less than {_percent(NEXT)}",
    )


def _unshuffled(measures: Measures, data: ArrayData) -> Iterator[Check]:
    changes = measures.changes
    if data.shuffle or changes is None or changes > SORTED or data.batch_size >= len(data.splits.train):
        return
    yield Check(
        "unshuffled",
        "unshuffled: training samples come in the order of their targets, which change from one to the next by "
        f"{_percent(changes)} of what they do in a random order",
        {"changes": changes},
        f"less than {_percent(SORTED)} of the changes of a random order",
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
