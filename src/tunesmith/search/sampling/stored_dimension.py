"""The name under which Optuna stores what a key varies over.

Optuna keeps one kind of range, and one list of choices, for the name of a param in a study. If a command varies a key
over something else than its study has stored, the values go to a name of their own: the key and a digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    check_distribution_compatibility,
)
from optuna.trial import FrozenTrial

from tunesmith.search.attribute_names import VERSION
from tunesmith.search.space.dimension import Dimension


def stored_dimension(dimension: Dimension, trials: Iterable[FrozenTrial]) -> Dimension:
    """Return a dimension with the name, and for choices the order, in which a study has stored it or will store it."""
    name, wanted = dimension.name, dimension.distribution
    stored = _stored(name, trials)
    if stored is None or _is_compatible(stored, wanted):
        return replace(dimension, distribution=_in_order_of(stored, wanted))
    version = f"{name}{VERSION}{_digest(wanted)}"
    return replace(dimension, own_name=version, distribution=_in_order_of(_stored(version, trials), wanted))


def _stored(name: str, trials: Iterable[FrozenTrial]) -> BaseDistribution | None:
    """Return what the first trial that has a param of this name drew it from."""
    return next((trial.distributions[name] for trial in trials if name in trial.distributions), None)


def _is_compatible(stored: BaseDistribution, wanted: BaseDistribution) -> bool:
    if isinstance(stored, CategoricalDistribution) and isinstance(wanted, CategoricalDistribution):
        return _sorted(stored) == _sorted(wanted)
    try:
        check_distribution_compatibility(stored, wanted)
    except ValueError:
        return False
    return True


def _in_order_of(stored: BaseDistribution | None, wanted: BaseDistribution) -> BaseDistribution:
    """Return choices in their stored order: to Optuna, another order would be other choices."""
    return stored if isinstance(stored, CategoricalDistribution) else wanted


def _digest(distribution: BaseDistribution) -> str:
    """Return what tells apart distributions that Optuna cannot store under one name."""
    if isinstance(distribution, CategoricalDistribution):
        kind = str(_sorted(distribution))
    else:
        assert isinstance(distribution, FloatDistribution | IntDistribution)
        kind = f"{type(distribution).__name__} {distribution.log}"
    return hashlib.sha256(kind.encode()).hexdigest()[:6]


def _sorted(distribution: CategoricalDistribution) -> list[str]:
    """Return the choices in an order of their own; their types tell 1 from true."""
    return sorted(f"{type(choice).__name__} {choice!r}" for choice in distribution.choices)
