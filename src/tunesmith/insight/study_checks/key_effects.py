"""How much of the values one key explains, beside the other keys: an F test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tunesmith.insight.study_checks.rank_tests import ranks
from tunesmith.insight.study_checks.trials import CheckedStudy, CheckedTrial, Floats, is_number, position

# F of a key that is said to have an effect: without one, 2 % of the keys have more at 30 trials (p of F(2, 27) > 4).
HAS_EFFECT = 4.0
# Degrees of freedom that the other keys have to leave, or they are left out of the model.
MIN_FREEDOM = 10


class Effect(NamedTuple):
    """F statistic of a key, and the share of the variance that it explains, less what chance would: about 0 if none."""

    f: float
    explained: float


NONE = Effect(0.0, 0.0)


def effect(study: CheckedStudy, key: str, is_alone: bool = False) -> Effect:
    """Return the effect of a key on the rank of the value, over the trials that have the key.

    Least squares of the ranks on linear and quadratic terms of a number's position in its range, or on the groups of a
    choice, with and without the key's terms: F = (RSS_without - RSS_with) / terms / (RSS_with / freedom); Draper and
    Smith, Applied Regression Analysis, 1998, 6.1. Ranks, because the losses of a few diverged trials would be all of
    the variance. The other keys are in both models, unless too few trials are left for that: what they explain would
    be noise otherwise (of six equal keys one has a median F of 5 at 60 trials alone, of 40 beside the others).

    is_alone: whether the other keys are left out.
    """
    trials = [trial for trial in study.scored if key in trial.params]
    terms = _terms(study, key, trials)
    if terms.shape[1] == 0:
        return NONE
    without = np.ones((len(trials), 1)) if is_alone else _without(study, key, trials, terms.shape[1])
    return _f_test(_centred_ranks(study, trials), without, terms)


def adjusted_losses(study: CheckedStudy, key: str, trials: Sequence[CheckedTrial]) -> Floats:
    """Return the ranks of the trials' values less what the other keys explain: (trials,), less is better.

    trials: that have the key and a value.
    """
    terms, losses = _terms(study, key, trials), _centred_ranks(study, trials)
    without = _without(study, key, trials, terms.shape[1])
    weights = np.linalg.lstsq(np.column_stack([without, terms]), losses, rcond=None)[0]
    adjusted: Floats = losses - without @ weights[: without.shape[1]]
    return adjusted


def _without(study: CheckedStudy, key: str, trials: Sequence[CheckedTrial], num_terms: int) -> Floats:
    """Return the columns of a constant and of the other keys that all trials have, if there are trials enough."""
    others = [other for other in study.distributions if other != key]
    shared = [other for other in others if all(other in trial.params for trial in trials)]
    columns = np.column_stack([np.ones(len(trials)), *(_terms(study, other, trials) for other in shared)])
    return columns if len(trials) - columns.shape[1] - num_terms >= MIN_FREEDOM else columns[:, :1]


def _centred_ranks(study: CheckedStudy, trials: Sequence[CheckedTrial]) -> Floats:
    losses = ranks(np.array([study.loss(trial) for trial in trials]))
    centred: Floats = losses - losses.mean()
    return centred


def _f_test(losses: Floats, without: Floats, terms: Floats) -> Effect:
    num_terms = terms.shape[1]
    freedom = len(losses) - without.shape[1] - num_terms
    total = float(losses @ losses)
    if freedom < 1 or total == 0:
        return NONE
    rest_without, rest = _rest(losses, without), _rest(losses, np.column_stack([without, terms]))
    per_freedom = max(rest / freedom, 1e-12 * total)
    return Effect(
        (rest_without - rest) / num_terms / per_freedom, (rest_without - rest - num_terms * per_freedom) / total
    )


def _rest(losses: Floats, columns: Floats) -> float:
    """Return the sum of squares that the columns leave unexplained."""
    return float(((losses - columns @ np.linalg.lstsq(columns, losses, rcond=None)[0]) ** 2).sum())


def _terms(study: CheckedStudy, key: str, trials: Sequence[CheckedTrial]) -> Floats:
    """Return the columns of a key's model, (trials, terms): none if the key has one value."""
    values = [trial.params[key] for trial in trials]
    distribution = study.distributions[key]
    if is_number(distribution):
        positions = np.array([position(distribution, value) for value in values], dtype=np.float64)
        num_terms = min(len(np.unique(positions)), 3) - 1
        return np.column_stack([positions, positions**2])[:, : max(0, num_terms)]
    texts = np.array(list(map(str, values)), dtype=object)
    columns = [texts == choice for choice in sorted(set(texts))[1:]]
    return np.array(columns, dtype=np.float64).reshape(len(columns), len(trials)).T
