"""The tables of docs/diagnosis.md about programs: a row is right if most of its seeds are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from program_harm import Harm, measure_harm
from recorded import Recorded
from scoring import Answers, Measure, Named, findings_per_run, first_names, has_alarm, is_fair, is_strict, share
from tables import table

FAULTY, FIXED = "faulty", "fixed"
Runs = Sequence[Recorded]


def is_named(run: Recorded, answer: Sequence[Named]) -> bool:
    """Whether the first finding's own name is one of the program's: of plants its one_of counts, too."""
    return bool(answer) and answer[0].name in run.names


def is_named_anywhere(run: Recorded, answer: Sequence[Named]) -> bool:
    return any(is_named(run, [each]) for each in answer)


MEASURES = (is_strict, is_named, is_fair, is_named_anywhere)


def program_summary(runs: Runs, answers: Mapping[str, Answers]) -> Iterator[str]:
    """A row for each diagnoser, over the programs whose fault hurts."""
    of_program = {name: own for name, own in by_program(runs).items() if _hurts(own)}
    faulty, fixed = ([run for own in of_program.values() for run in own if run.set == kind] for kind in (FAULTY, FIXED))
    names = {run.plant: run.names for run in faulty}
    rows = [
        (
            name,
            *(_right_programs(of_program.values(), said, measure) for measure in MEASURES),
            share(faulty, said, is_strict),
            share(faulty, said, is_named),
            f"{findings_per_run(faulty, said):.1f}",
            share(fixed, said, has_alarm),
            share(fixed, said, lambda run, answer: _names_any(answer, names[run.plant])),
        )
        for name, said in answers.items()
    ]
    head = (
        "main name first",
        "right first",
        "or in its one_of",
        "right anywhere",
        "runs: main",
        "runs: right",
        "findings a run",
    )
    return table(("who", *head, "alarms on the fixed settings", "of the program's names"), rows)


def program_rows(runs: Runs, answers: Answers) -> Iterator[str]:
    """A row for each program: harm, and what is named first before and after it was mended."""
    rows = [_row(name, own, answers) for name, own in by_program(runs).items()]
    head = ("program", "error, faulty -> fixed (2 SE)", "right names", "named first", "main", "right", "fixed: named")
    return table(head, rows)


def by_program(runs: Iterable[Recorded]) -> dict[str, list[Recorded]]:
    own: dict[str, list[Recorded]] = defaultdict(list)
    for run in runs:
        own[run.plant].append(run)
    return dict(own)


def _row(name: str, own: Runs, answers: Answers) -> tuple[object, ...]:
    faulty, fixed = ([run for run in own if run.set == kind] for kind in (FAULTY, FIXED))
    harm = _harm(own)
    right = (f"{sum(measure(run, answers[run]) for run in faulty)}/{len(faulty)}" for measure in (is_strict, is_named))
    alarms = Counter(each.name for run in fixed for each in answers[run] if not each.is_caution)
    return (
        name,
        _text(harm),
        ", ".join(faulty[0].names),
        _counts(first_names(faulty, answers)),
        *right,
        _counts(alarms.items()),
    )


def _text(harm: Harm | None) -> str:
    if harm is None:
        return "not measured"
    numbers = f"{harm.faulty:.3f} -> {harm.fixed:.3f} ({harm.two_errors:.3f})"
    return numbers if harm.is_there else f"{numbers}, no harm"


def _counts(names: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {count}" for name, count in names)


def _right_programs(programs: Iterable[Runs], answers: Answers, measure: Measure) -> str:
    """Return how many programs most of whose seeds are judged as right, of how many."""
    shares = [_share_of(own, answers, measure) for own in programs]
    return f"{sum(right > 0.5 for right in shares)}/{len(shares)}"


def _share_of(own: Runs, answers: Answers, measure: Measure) -> float:
    faulty = [run for run in own if run.set == FAULTY]
    return sum(measure(run, answers[run]) for run in faulty) / len(faulty)


def _names_any(answer: Sequence[Named], names: Sequence[str]) -> bool:
    return any(each.name in names and not each.is_caution for each in answer)


def _hurts(own: Runs) -> bool:
    harm = _harm(own)
    return harm is None or harm.is_there


def _harm(own: Runs) -> Harm | None:
    return measure_harm(_folder(own))


def _folder(own: Runs) -> Path:
    return own[0].folder.parents[1]
