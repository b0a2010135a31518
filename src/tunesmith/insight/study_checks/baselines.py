"""Whether the search has found anything better than the configuration as it stands, and than a linear model."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.insight.study_checks.trials import CheckedStudy, Finding, short

MIN_OTHERS = 5


def baseline_unbeaten(study: CheckedStudy) -> Iterator[Finding]:
    """Find a search whose best value is that of the configuration as it stands, or no better than a linear model's.

    From five other complete trials on. By chance alone the first of n equal trials is the best in 1 / n of the studies.
    """
    if len(study.complete) <= MIN_OTHERS:
        return
    yield from _unbeaten_trial(study)
    yield from _unbeaten_line(study)


def _unbeaten_trial(study: CheckedStudy) -> Iterator[Finding]:
    best, *others = study.complete
    if best.number == study.baseline and best.value is not None:
        yield Finding(
            "baseline_unbeaten",
            f"{len(others)} other complete trials do not beat trial {best.number}, the configuration as it stands",
            {"baseline": best.value, "best_other": others[0].value or 0.0, "others": len(others)},
            f"the first of at least {MIN_OTHERS + 1} complete trials",
            f"hydra.sweeper.n_trials={2 * len(study.trials)}",
        )


def _unbeaten_line(study: CheckedStudy) -> Iterator[Finding]:
    """An override is left out: more trials, another space or the linear model itself, as model=linear, may be meant."""
    best, linear = study.complete[0].value, study.linear
    if linear is not None and best is not None and study.sign * best >= study.sign * linear:
        yield Finding(
            "baseline_unbeaten",
            f"{len(study.complete)} complete trials do not beat a linear model on the same data: the best one has "
            f"{short(best)}, the linear model {short(linear)}",
            {"linear": linear, "best": best, "trials": len(study.complete)},
            f"at least as good as the best of at least {MIN_OTHERS + 1} complete trials",
        )
