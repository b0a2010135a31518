"""Which trials are as good as the best one."""

from __future__ import annotations

from collections.abc import Mapping

from tunesmith.insight.pages.study_facts import StudyFacts, TrialFacts
from tunesmith.insight.study_checks.noise import NUM_SD


def find_ties(facts: StudyFacts) -> list[TrialFacts]:
    """Return the other trials that the noise does not tell apart from the best one, the best of them first.

    If a confirmation is over, those whose seeds do not tell them apart; else those within NUM_SD standard errors of the
    best value, as in the study checks; if that error is unknown, those of the same value.
    """
    best = facts.best
    if best is None or best.value is None:
        return []
    confirmed = facts.results.get("confirm")
    if isinstance(confirmed, Mapping) and confirmed.get("trial") is not None:
        names = confirmed.get("ties")
        return [trial for trial in facts.ranked if isinstance(names, list) and trial.number in names]
    worst = facts.sign * best.value + NUM_SD * (facts.best_se or 0.0)
    others = [trial for trial in facts.ranked if trial is not best and trial.value is not None]
    return [trial for trial in others if facts.sign * (trial.value or 0.0) <= worst]


def say_ties(facts: StudyFacts) -> str | None:
    """Say in a sentence which trials are as good, None if there is none."""
    ties = find_ties(facts)
    if not ties:
        return None
    shown = ", ".join(str(trial.number) for trial in ties[:10])
    more = f" and {len(ties) - 10} more" if len(ties) > 10 else ""
    which = "trial" if len(ties) == 1 else "trials"
    return f"As good as the best trial, {_by_what(facts)}: {which} {shown}{more}."


def _by_what(facts: StudyFacts) -> str:
    if isinstance(facts.results.get("confirm"), Mapping):
        return "as far as the repeats on further seeds can tell"
    if facts.best_se:
        return f"within {NUM_SD:g} standard errors of {facts.best_se:.2g}"
    return "to the last digit"
