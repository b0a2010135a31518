"""All checks of a study, made to agree with each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from tunesmith.insight.study_checks.baselines import baseline_unbeaten
from tunesmith.insight.study_checks.budgets import duplicates, still_improving, too_few_trials
from tunesmith.insight.study_checks.edges import edges_of_ranges
from tunesmith.insight.study_checks.failures import failure_clusters
from tunesmith.insight.study_checks.new_ranges import range_override
from tunesmith.insight.study_checks.no_effects import keys_without_effect
from tunesmith.insight.study_checks.noise import optimism, ties
from tunesmith.insight.study_checks.pruning import late_bloomers
from tunesmith.insight.study_checks.trials import CheckedStudy, Finding, NewRange

Check = Callable[[CheckedStudy], Iterator[Finding]]

# Finished trials from which on the other checks say something.
MIN_TRIALS = 15
# What matters more comes first: the console shows the first three.
AT_ANY_SIZE: tuple[Check, ...] = (failure_clusters, baseline_unbeaten)
FROM_MIN_TRIALS: tuple[Check, ...] = (
    edges_of_ranges,
    late_bloomers,
    optimism,
    still_improving,
    duplicates,
    too_few_trials,
    keys_without_effect,
)
OF_KEYS = ("edge_of_range", "no_effect", "too_few_trials")


def check_study(study: CheckedStudy) -> list[Finding]:
    """Return what the checks find in a study, the most important first; [] is a healthy study."""
    checks = (*AT_ANY_SIZE, *(FROM_MIN_TRIALS if len(study.trials) >= MIN_TRIALS else ()), ties)
    return _agreed(study, [finding for check in checks for finding in check(study)])


def _agreed(study: CheckedStudy, findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings without advice against each other.

    A range is not widened to where trials fail; two moved bounds of a key are one override; no more trials are asked
    for if those that were run repeat each other; if early values say the opposite of final ones, a pruned trial's value
    says nothing of a key.
    """
    moved = [finding.new_range for finding in findings if finding.new_range is not None]
    failing = {_bound(finding) for finding in findings if finding.name == "failures_cluster"}
    names = {finding.name for finding in findings}
    return [
        _with_both_bounds(study, finding, moved)
        for finding in findings
        if not (finding.name == "edge_of_range" and _bound(finding) in failing)
        and not (finding.name == "too_few_trials" and "duplicated_configurations" in names)
        and not (finding.name in OF_KEYS and "pruner_kills_late_bloomers" in names)
    ]


def _bound(finding: Finding) -> tuple[str, bool] | None:
    new = finding.new_range
    return None if new is None else (new.key, new.is_high)


def _with_both_bounds(study: CheckedStudy, finding: Finding, moved: Sequence[NewRange]) -> Finding:
    """Return a finding whose override moves the other bound of its key as well, if another finding does."""
    new = finding.new_range
    other = next((each for each in moved if new and each.key == new.key and each.is_high != new.is_high), None)
    if new is None or other is None:
        return finding
    both = replace(new, low=other.low) if new.is_high else replace(new, high=other.high)
    return replace(finding, override=range_override(study.distributions[new.key], both))
