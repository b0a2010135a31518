"""Whether the search has found anything better than the configuration as it stands."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.insight.study_checks.trials import CheckedStudy, Finding

MIN_OTHERS = 5


def baseline_unbeaten(study: CheckedStudy) -> Iterator[Finding]:
    """Find a search whose best value is that of the configuration as it stands.

    From five other complete trials on. By chance alone the first of n equal trials is the best in 1 / n of the studies.
    """
    others = [trial for trial in study.complete if trial.number != study.baseline]
    if len(others) < MIN_OTHERS:
        return
    best, value = study.complete[0], study.complete[0].value
    assert value is not None
    if best.number == study.baseline:
        yield Finding(
            "baseline_unbeaten",
            f"{len(others)} other complete trials do not beat trial {best.number}, the configuration as it stands",
            {"baseline": value, "best_other": others[0].value or 0.0, "others": len(others)},
            f"the first of at least {MIN_OTHERS + 1} complete trials",
            f"hydra.sweeper.n_trials={2 * len(study.trials)}",
        )
