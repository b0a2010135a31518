"""What a study says of a trial before this command has drawn anything: a queued point, or the values of a retry.

Whoever may write to a study may queue anything: Optuna uses a queued value that lies outside of its range, and a retry
holds whatever it was made with. Only points of this command's space become overrides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial

from tunesmith.config.changes import is_same_value, show_value
from tunesmith.search.attribute_names import POINT
from tunesmith.search.space.dimension import Dimension
from tunesmith.search.space.values import contains
from tunesmith.search.study.trial import Attempt


class NoPoint(Exception):
    """A queued trial that this command would never have made; its text says why."""


def read_queued(trials: Sequence[FrozenTrial], number: int) -> Mapping[str, Any]:
    """Return the values that a trial has before it draws any.

    Raises:
        NoPoint: they are no values, or others than those of the trial that it says it is a retry of.
    """
    trial = trials[number]
    enqueued = trial.system_attrs.get(POINT, {})
    if not isinstance(enqueued, Mapping):
        raise NoPoint(f"it was queued with {show_value(enqueued)}, which are no values")
    first = trials[Attempt(trial).first_attempt]
    for name, value in first.params.items():
        if not is_same_value(trial.params.get(name), value):
            raise NoPoint(
                f"it is no retry of trial {first.number}, as it has {name}={show_value(trial.params.get(name))} "
                f"instead of {show_value(value)}"
            )
    return {**enqueued, **trial.params}


def check_queued(dimension: Dimension, queued: Mapping[str, Any]) -> None:
    """Raise NoPoint if a trial was queued with a value that its key does not vary over."""
    name = dimension.key
    if name in queued and not contains(dimension, queued[name]):
        raise NoPoint(f"it was queued with {name}={show_value(queued[name])}, which must be {dimension.describe()}")
