"""How far the best value can be trusted: ties within the noise, and luck that the test part does not share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist

from tunesmith.insight.study_checks.trials import CheckedStudy, Finding, short

NUM_SD = 2.0
CONFIRM = "hydra.sweeper.confirm={top:5,seeds:5}"


def ties(study: CheckedStudy) -> Iterator[Finding]:
    """Find complete trials within 2 sd of the best one: which of them is the best is not known before a confirmation.

    sd: of a trial's value, from repeats of configurations, or sqrt(p (1 - p) / n) of an accuracy p on n samples.
    """
    sd = study.noise_sd
    if sd is None or sd <= 0 or len(study.complete) < 2 or study.is_confirmed:
        return
    tied = [trial for trial in study.complete if study.loss(trial) <= study.loss(study.complete[0]) + NUM_SD * sd]
    if len(tied) > 1:
        yield Finding(
            "ties",
            f"{len(tied) - 1} of {len(study.complete) - 1} other complete trials are within {NUM_SD:g} standard "
            f"deviations ({short(sd)}) of the best: which one is the best is open",
            {"tied": len(tied) - 1, "sd": float(f"{sd:.3g}")},
            f"within {NUM_SD:g} sd of the best value",
            CONFIRM,
        )


def optimism(study: CheckedStudy) -> Iterator[Finding]:
    """Find a test value that is worse than the validation value by more than 2 SE, beyond the luck of a best of n.

    SE = sqrt(se_validation^2 + se_test^2). Luck: se_validation times the expected largest of k standard normal numbers,
    k the trials that tie with the best (Blom 1958: the (k - .375) / (k + .25) quantile).
    """
    score = study.score
    if score is None:
        return
    gap = score.validation - score.test if score.is_higher_better else score.test - score.validation
    se = math.hypot(score.validation_se, score.test_se)
    luck = score.validation_se * expected_largest(_num_tied(study, score.validation_se))
    if se > 0 and gap > luck + NUM_SD * se:
        yield Finding(
            "optimism",
            f"{score.name} of the best trial is {short(score.validation)} on the validation part and "
            f"{short(score.test)} on the test part, {(gap - luck) / se:.1f} standard errors more than the luck of the "
            f"best ({short(luck)}) explains",
            {"gap": float(f"{gap:.3g}"), "luck": float(f"{luck:.3g}"), "se": float(f"{se:.3g}")},
            f"gap > luck + {NUM_SD:g} SE",
            None if study.is_confirmed else CONFIRM,
        )


def expected_largest(num: int) -> float:
    """Return about the expected largest of so many standard normal numbers."""
    return 0.0 if num < 2 else NormalDist().inv_cdf((num - 0.375) / (num + 0.25))


def _num_tied(study: CheckedStudy, sd: float) -> int:
    """Return how many trials compete for the best by luck; all, if the values are of another metric than the score."""
    if study.noise_sd is None:
        return len(study.complete)
    best = study.loss(study.complete[0])
    return sum(study.loss(trial) <= best + NUM_SD * sd for trial in study.complete)
