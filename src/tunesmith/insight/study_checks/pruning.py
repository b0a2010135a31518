"""Whether early values tell the final ones, as a pruner takes for granted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tunesmith.insight.study_checks.rank_tests import spearman
from tunesmith.insight.study_checks.trials import CheckedStudy, Finding

MAX_RHO = 0.0
MIN_TRIALS = 6


def late_bloomers(study: CheckedStudy) -> Iterator[Finding]:
    """Find a pruner that stops the trials that would have ended best.

    Rank correlation of the value at the first step after which any trial was pruned with the trial's value, over the
    trials that were trained at least half as long again: Spearman < 0, from six such trials on. Complete trials alone
    are too few: a pruner that kills late bloomers leaves little more than those it waits for (six of 100).
    Source: the assumption of successive halving, Jamieson and Talwalkar 2016.
    """
    pruned = [max(trial.reports) for trial in study.trials if trial.state == "pruned" and trial.reports]
    if not pruned:
        return
    rung = min(pruned)
    trials = [trial for trial in study.scored if rung in trial.reports and len(trial.reports) >= 1.5 * rung]
    early = np.array([trial.reports[rung] for trial in trials])
    final = np.array([trial.value for trial in trials], dtype=np.float64)
    rho, _ = spearman(early, final)
    if len(trials) >= MIN_TRIALS and rho < MAX_RHO:
        yield Finding(
            "pruner_kills_late_bloomers",
            f"in {len(trials)} trials that went on, the value at step {rung}, where pruning begins, says the opposite "
            f"of the best one (Spearman {rho:.2f}); {len(pruned)} trials were pruned",
            {"spearman": round(rho, 3), "step": rung, "trials": len(trials), "pruned": len(pruned)},
            f"Spearman < {MAX_RHO:g}",
            "hydra/sweeper/pruner=none",
        )
