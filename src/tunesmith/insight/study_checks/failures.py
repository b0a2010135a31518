"""Where in the space trials fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from tunesmith.insight.study_checks.new_ranges import range_override, with_bound
from tunesmith.insight.study_checks.rank_tests import fisher_tail, mann_whitney
from tunesmith.insight.study_checks.trials import (
    CheckedStudy,
    CheckedTrial,
    Finding,
    Floats,
    NewRange,
    is_number,
    position,
    short,
)

MIN_FAILURES = 3
MAX_P = 0.01  # divided by the number of keys, Bonferroni


def failure_clusters(study: CheckedStudy) -> Iterator[Finding]:
    """Find keys by whose values failed trials differ from the others, if at least three failed.

    A number: Mann and Whitney 1947, exact below nine failures, p < .01 / d of d keys; then the bound is moved to where
    failed and other trials are told apart best (Youden 1950: share of failures beyond it less share of others).
    A choice: Fisher's exact test of each choice, p < .01 / d / number of choices.
    """
    failed = [trial for trial in study.trials if trial.state == "failed"]
    others = [trial for trial in study.trials if trial.state != "failed"]
    for key in study.distributions if len(failed) >= MIN_FAILURES and others else ():
        pair = [[trial for trial in trials if key in trial.params] for trials in (failed, others)]
        if len(pair[0]) >= MIN_FAILURES and pair[1]:
            is_range = is_number(study.distributions[key])
            finding = _in_range(study, key, *pair) if is_range else _in_choice(study, key, *pair)
            if finding is not None:
                yield finding


def _in_range(
    study: CheckedStudy, key: str, failed: Sequence[CheckedTrial], others: Sequence[CheckedTrial]
) -> Finding | None:
    distribution = study.distributions[key]
    bad, good = (
        np.array([position(distribution, trial.params[key]) for trial in trials]) for trials in (failed, others)
    )
    share, p = mann_whitney(bad, good)
    threshold = MAX_P / len(study.distributions)
    if p >= threshold:
        return None
    is_high = share > 0.5
    first, bound = _border(key, failed, others, bad, good, is_high)
    new = None if bound is None else _narrowed(study, key, bound, is_high)
    num_beyond = sum(trial.params[key] >= first if is_high else trial.params[key] <= first for trial in failed)
    return Finding(
        "failures_cluster",
        f"{num_beyond} of {len(failed)} failures have {key} {'>=' if is_high else '<='} {short(first)} (p = {p:.1g})",
        {"failures": len(failed), "beyond": num_beyond, "share_above": round(share, 3), "p": float(f"{p:.2g}")},
        f"at least {MIN_FAILURES} failures, Mann-Whitney p < {MAX_P:g} / {len(study.distributions)} keys",
        None if new is None else range_override(distribution, new),
        new,
    )


def _border(
    key: str,
    failed: Sequence[CheckedTrial],
    others: Sequence[CheckedTrial],
    bad: Floats,
    good: Floats,
    is_high: bool,
) -> tuple[float, float | None]:
    """Return the first value of the failing region, and the last one before it that another trial has."""
    direction = 1 if is_high else -1
    cuts = sorted(set(bad))
    gains = [np.mean(direction * bad >= direction * cut) - np.mean(direction * good >= direction * cut) for cut in cuts]
    cut = cuts[int(np.argmax(gains))]
    first = next(trial.params[key] for trial, place in zip(failed, bad, strict=True) if place == cut)
    inside = [trial.params[key] for trial, u in zip(others, good, strict=True) if direction * u < direction * cut]
    return first, (max(inside) if is_high else min(inside)) if inside else None


def _narrowed(study: CheckedStudy, key: str, bound: float, is_high: bool) -> NewRange | None:
    distribution = study.distributions[key]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if isinstance(distribution, FloatDistribution) and distribution.step is None:
        bound = float(f"{bound:.2g}")
    is_inside = distribution.low < bound < distribution.high
    return with_bound(key, distribution, bound, is_high) if is_inside else None


def _in_choice(
    study: CheckedStudy, key: str, failed: Sequence[CheckedTrial], others: Sequence[CheckedTrial]
) -> Finding | None:
    distribution = study.distributions[key]
    assert isinstance(distribution, CategoricalDistribution)
    total, choices = len(failed) + len(others), distribution.choices

    def tail(choice: object) -> tuple[float, int, int]:
        hits, passed = (sum(trial.params[key] == choice for trial in trials) for trials in (failed, others))
        return fisher_tail(hits, hits + passed, len(failed), total), hits, hits + passed

    p, choice = min(((tail(choice)[0], choice) for choice in choices), key=lambda pair: pair[0])
    threshold = MAX_P / len(study.distributions) / len(choices)
    if p >= threshold:
        return None
    _, hits, marked = tail(choice)
    rest = [other for other in choices if other != choice]
    texts = [study.override(key, other).partition("=")[2] for other in rest]
    return Finding(
        "failures_cluster",
        f"{hits} of {len(failed)} failures have {study.override(key, choice)}, as {marked} of {total} trials "
        f"(p = {p:.1g})",
        {"failures": len(failed), "with_choice": hits, "trials_with_choice": marked, "p": float(f"{p:.2g}")},
        f"at least {MIN_FAILURES} failures, Fisher's exact p < {MAX_P:g} / keys / choices",
        f"{key}={','.join(texts)}" if rest else None,
    )
