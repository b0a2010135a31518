"""Keys that do not change the value, so that a fixed value serves as well."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.insight.study_checks.key_effects import HAS_EFFECT, effect
from tunesmith.insight.study_checks.trials import CheckedStudy, Finding, distinct

MAX_F = 1.2
MAX_EXPLAINED = 0.01
MIN_TRIALS = 60


def keys_without_effect(study: CheckedStudy) -> Iterator[Finding]:
    """Find keys whose F is below 1.2 and which explain less than 1 % of the variance, from 60 configurations on.

    F and explained share as in key_effects.py, both beside the other keys and alone: a sampler that follows the value
    makes keys depend on each other, which hides an effect from one of the two. At F < 1.5 and 2 %, beside the other
    keys only, up to a quarter of the healthy studies had such an alarm.
    """
    for key in study.distributions:
        trials = [trial for trial in study.scored if key in trial.params]
        if len(distinct(trials)) < MIN_TRIALS or len({repr(trial.params[key]) for trial in trials}) < 2:
            continue
        found = [effect(study, key), effect(study, key, is_alone=True)]
        f, explained = (max(values) for values in zip(*found, strict=True))
        if f < MAX_F and explained < MAX_EXPLAINED:
            yield Finding(
                "no_effect",
                f"{key} shows no effect in {len(trials)} trials (F {f:.1f}): fix it, and more is left to the others",
                {"f": round(f, 2), "explained": round(explained, 4), "trials": len(trials)},
                f"F < {MAX_F:g} and explained < {MAX_EXPLAINED:g}, from {MIN_TRIALS} trials on",
                study.override(key, trials[0].params[key]),
            )


def keys_with_effect(study: CheckedStudy) -> list[str]:
    return [key for key in study.distributions if effect(study, key).f > HAS_EFFECT]
