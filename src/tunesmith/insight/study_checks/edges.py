"""Whether the best trials lie at an edge of a range, so that better ones may lie beyond it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from tunesmith.insight.study_checks.key_effects import HAS_EFFECT, adjusted_losses, effect
from tunesmith.insight.study_checks.new_ranges import range_override, widened
from tunesmith.insight.study_checks.rank_tests import spearman
from tunesmith.insight.study_checks.trials import CheckedStudy, Finding, is_number, position, short

MARGIN = 0.15
MAX_P = 0.05
MIN_BEST, BEST_SHARE = 5, 0.1


def edges_of_ranges(study: CheckedStudy) -> Iterator[Finding]:
    """Find ranges of numbers that end where the values are best.

    u: position in the range on its own scale, 0 to 1. The median u of the best max(5, 10 %) trials lies within .15 of
    an edge; over the trials in that half of the range the value gets better towards the edge (Spearman, p < .05); and
    the key has an effect (F > 4). Values are ranks less what the other keys explain (key_effects.py): with plain values
    60 instead of 97 % of the planted edges are found in 100 random trials. Nothing is said if a rule forbids to move
    the bound. "The best trial lies within 5 % of an edge" would be true of every fifth healthy study.
    Source: measured, docs/study_checks.md.
    """
    numbers = [key for key, distribution in study.distributions.items() if is_number(distribution)]
    found = [finding for key in numbers if (finding := _edge(study, key)) is not None]
    yield from sorted(found, key=lambda finding: -float(finding.numbers["f"]))


def _edge(study: CheckedStudy, key: str) -> Finding | None:
    distribution = study.distributions[key]
    trials = [trial for trial in study.scored if key in trial.params]
    places = np.array([position(distribution, trial.params[key]) for trial in trials])
    num_best = max(MIN_BEST, math.ceil(BEST_SHARE * len(trials)))
    if len(trials) <= num_best:
        return None
    losses = adjusted_losses(study, key, trials)
    median = float(np.median(places[np.argsort(losses, kind="stable")[:num_best]]))
    is_high = median > 1 - MARGIN
    if not is_high and median >= MARGIN:
        return None
    in_half = places >= 0.5 if is_high else places <= 0.5
    rho, p = spearman(places[in_half], losses[in_half])
    if p >= MAX_P or (rho > 0) == is_high or (f := effect(study, key).f) <= HAS_EFFECT:
        return None
    new = widened(key, distribution, is_high, study.allows)
    if new is None:
        return None
    side, bound = ("upper", distribution.high) if is_high else ("lower", distribution.low)  # type: ignore[attr-defined]
    return Finding(
        "edge_of_range",
        f"{key}: the best {num_best} trials lie at the {side} edge of its range, {short(bound)}, and values get better "
        f"towards it (Spearman {rho:.2f}, F {f:.1f})",
        {"median_position": round(median, 3), "spearman": round(rho, 3), "p": float(f"{p:.2g}"), "f": round(f, 2)},
        f"median position of the best {num_best} within {MARGIN} of an edge, p < {MAX_P}, F > {HAS_EFFECT:g}",
        range_override(distribution, new),
        new,
    )
