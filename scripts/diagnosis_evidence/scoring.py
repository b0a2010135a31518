"""How often a diagnoser is right: counts with Wilson's intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from recorded import Recorded
from scipy.stats import binomtest

from tunesmith.insight.diagnosis.names import CAUTIONS


@dataclass(frozen=True)
class Named:
    """What a diagnoser names; one_of: all the names that it may stand for, itself included."""

    name: str
    one_of: tuple[str, ...]
    is_caution: bool = False


Answers = Mapping[Recorded, Sequence[Named]]
Measure = Callable[[Recorded, Sequence[Named]], bool]
# Of a training whose loss is no longer a number the two say the same.
SAME = frozenset({"learning_rate_too_high", "diverged"})


@dataclass(frozen=True)
class Share:
    """So many of so many, with Wilson's interval of 95 %."""

    hits: int
    total: int

    def __str__(self) -> str:
        if not self.total:
            return "-"
        low, high = binomtest(self.hits, self.total).proportion_ci(method="wilson")
        return f"{self.hits}/{self.total} = {self.hits / self.total:.1%} ({low:.0%}-{high:.0%})"


def is_strict(run: Recorded, answer: Sequence[Named]) -> bool:
    """Whether the first finding is the plant's main name; the two names of a loss that explodes count as one."""
    if not answer:
        return False
    pair = {answer[0].name, run.names[0]}
    return len(pair) == 1 or pair <= SAME & set(run.names)


def is_fair(run: Recorded, answer: Sequence[Named]) -> bool:
    """Whether the first finding is right, or says that it may be the plant's main fault."""
    return bool(answer) and (answer[0].name in run.names or run.names[0] in answer[0].one_of)


def is_anywhere(run: Recorded, answer: Sequence[Named]) -> bool:
    return any(is_fair(run, [each]) for each in answer)


def has_alarm(run: Recorded, answer: Sequence[Named]) -> bool:
    """Whether a fault is named; a caution is none."""
    return any(not each.is_caution for each in answer)


def share(runs: Iterable[Recorded], answers: Answers, measure: Measure) -> Share:
    judged = [measure(run, answers[run]) for run in runs]
    return Share(sum(judged), len(judged))


def findings_per_run(runs: Iterable[Recorded], answers: Answers) -> float:
    return fmean([len(answers[run]) for run in runs] or [0])


def first_names(runs: Iterable[Recorded], answers: Answers) -> list[tuple[str, int]]:
    """Return what was named first, and how often, the most frequent one first."""
    return Counter(answers[run][0].name if answers[run] else "none" for run in runs).most_common()


def is_caution(run: Recorded) -> bool:
    return bool(run.names) and run.names[0] in CAUTIONS
