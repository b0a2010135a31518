"""The parameters of a study in the order of their importance, of which several sections tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tunesmith.insight.pages.drawn_trials import FEW_TRIALS, DrawnTrials, choose_trials
from tunesmith.insight.pages.importances import best_trials, importances
from tunesmith.insight.pages.param_scale import ParamScale, make_scale, to_text
from tunesmith.insight.pages.study_facts import StudyFacts


@dataclass(frozen=True)
class ParamRanking:
    """Parameters that took several values, the most important first.

    drawn: the trials of which it tells; shares: key -> importance, the largest first; empty if there are none.
    why_none: why there are no importances, None if there are.
    """

    drawn: DrawnTrials
    scales: Sequence[ParamScale]
    shares: Mapping[str, float]
    why_none: str | None


@lru_cache(maxsize=1)  # several sections of one page ask
def rank_params(facts: StudyFacts) -> ParamRanking:
    """Return the ranking; without importances the parameters stay in the order of the study."""
    drawn = choose_trials(facts)
    scales = _make_scales(facts, drawn)
    why_none = _why_no_importances(drawn, scales)
    shares = {} if why_none else _find_importances(facts, drawn, scales)
    return ParamRanking(drawn, sorted(scales, key=lambda scale: -shares.get(scale.key, 0.0)), shares, why_none)


def _make_scales(facts: StudyFacts, drawn: DrawnTrials) -> list[ParamScale]:
    """Return the scales of all parameters that took several values in these trials."""
    trials, scales = [*drawn.scored, *drawn.unscored], []
    for param in facts.params:
        values = [trial.params[param.key] for trial in trials if param.key in trial.params]
        if len(set(map(to_text, values))) > 1:
            scales.append(make_scale(param.key, values, param.is_log, param.distribution))
    return scales


def _why_no_importances(drawn: DrawnTrials, scales: Sequence[ParamScale]) -> str | None:
    """Return why importances would say nothing, None if they can be computed."""
    num = len(drawn.scored)
    if len(scales) < 2:
        return "There are no importances: they compare parameters, and fewer than two took several values."
    if num < FEW_TRIALS:
        return f"There are no importances: fewer than {FEW_TRIALS} trials say nothing, and {num} have a value."
    if len({trial.value for trial in drawn.scored}) == 1:
        return "There are no importances: all trials have the same value."
    return None


def _find_importances(facts: StudyFacts, drawn: DrawnTrials, scales: Sequence[ParamScale]) -> dict[str, float]:
    """Return the importance of each parameter, the largest first.

    Pruned trials count with the best value that they reported, as in the study checks: the trials that a pruner stopped
    are those that show where it is bad.
    """
    losses = [facts.sign * (trial.value or 0.0) for trial in drawn.scored]
    return importances(scales, [trial.params for trial in drawn.scored], best_trials(losses))
