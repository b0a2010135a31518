"""Whether a remedy is better than the original run: paired over seeds, beyond one standard error."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from tunesmith.insight.diagnosis.finding import BALANCED_ACCURACY, TIME
from tunesmith.insight.means import standard_error

BETTER, WORSE, NO_DIFFERENCE = "better", "worse", "no difference"
# Beside metrics: how many epochs, and how far validation is above training at the end, in prior losses (curves.gap).
EPOCHS, GAP = "epochs", "gap"

# What is known of a run: number by name, of metrics and of the measures above; a run that diverged has none.
Values = Mapping[str, float]


@dataclass(frozen=True)
class Measure:
    """What two runs are compared by; mode: min or max; useless: a value that is no better than knowing nothing."""

    name: str
    mode: str
    useless: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What a comparison says; difference: the mean over pairs, above 0 if better; error: its standard error."""

    verdict: str
    words: str
    difference: float | None = None
    error: float | None = None


def judge(gains: str, metric: Measure, before: Sequence[Values], after: Sequence[Values]) -> Outcome:
    """Compare a remedy with the original by what it promises.

    gains: what it promises, see remedies.py; metric: the validation metric.
    before, after: of the original and of the remedy, a run per seed, in the same order.
    """
    if gains == BALANCED_ACCURACY:
        return compare(Measure(BALANCED_ACCURACY, "max"), before, after)
    of_metric = compare(metric, before, after)
    if gains != TIME or of_metric.verdict == WORSE:
        return of_metric
    saved = [compare(Measure(name, "min"), before, after) for name in (EPOCHS, GAP)]
    best = next((each for each in saved if each.verdict == BETTER), saved[0])
    words = "; ".join(each.words for each in (*saved, of_metric))
    return Outcome(best.verdict, words, best.difference, best.error)


def compare(measure: Measure, before: Sequence[Values], after: Sequence[Values]) -> Outcome:
    """Compare runs of the same seeds by one measure; a run without a value, as it diverged, is worse than any other.

    Pairs share seed and data, so what these add to both is not in the difference (Dietterich 1998).
    """
    pairs = [(old.get(measure.name), new.get(measure.name)) for old, new in zip(before, after, strict=True)]
    num = len(pairs)
    lost = sum(new is None and old is not None for old, new in pairs)
    saved = sum(new is not None and old is None for old, new in pairs)
    if lost:
        return Outcome(WORSE, f"{measure.name}: worse, {lost} of {num} runs end without a value")
    reached = [new for _, new in pairs if new is not None]
    if not reached:
        return Outcome(NO_DIFFERENCE, f"{measure.name}: no run ends with a value")
    differences = [old - new for old, new in pairs if old is not None and new is not None]
    if measure.mode == "max":
        differences = [-each for each in differences]
    mean = fmean(reached)
    outcome = _saved(measure, mean, saved, num, differences) if saved else _compared(measure, differences)
    return _of_use(outcome, measure, mean)


def _of_use(outcome: Outcome, measure: Measure, mean: float) -> Outcome:
    """A better value has to be worth something: 1e8 that becomes the loss of a constant answer has mended nothing."""
    sign = 1 if measure.mode == "max" else -1
    if outcome.verdict != BETTER or measure.useless is None or sign * mean > sign * measure.useless:
        return outcome
    words = (
        f"{outcome.words.removesuffix(': better')}, but no better than the best constant answer, {measure.useless:.4g}"
    )
    return replace(outcome, verdict=NO_DIFFERENCE, words=words)


def _saved(measure: Measure, mean: float, saved: int, num: int, differences: Sequence[float]) -> Outcome:
    """Tell of runs that end with a value, which the original's do not."""
    words = f"{measure.name} {mean:.4g} in {saved} of {num} runs in which the original has none"
    if differences and _compared(measure, differences).verdict == WORSE:
        return Outcome(NO_DIFFERENCE, f"{words}: the others are worse")
    return Outcome(BETTER, f"{words}: better")


def _compared(measure: Measure, differences: Sequence[float]) -> Outcome:
    mean = fmean(differences)
    error = standard_error(differences) if len(differences) > 1 else math.inf
    verdict = NO_DIFFERENCE if abs(mean) <= error else BETTER if mean > 0 else WORSE
    size = f"{measure.name}: {'better' if mean >= 0 else 'worse'} by {abs(mean):.3g} +- {error:.2g}"
    doubt = " (no more than one standard error)" if verdict == NO_DIFFERENCE and mean else ""
    same = f"{measure.name}: the same"
    return Outcome(verdict, size + doubt if mean else same, mean, error if math.isfinite(error) else None)
