"""Calls custom_search_space, and says in one line which value a study cannot keep."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import optuna
from omegaconf import DictConfig
from optuna import Trial
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from tunesmith.config.changes import show_value
from tunesmith.errors import UserError, shorten
from tunesmith.search.sampling.queued import NoPoint, check_queued
from tunesmith.search.space.dimension import Dimension
from tunesmith.search.space.values import own_value

_OPTUNA = Path(optuna.__file__).parent
# Optuna's warning of choices that a storage cannot give back; the next trial would fail with other words.
_NO_PLAIN_VALUE = "Choices for a categorical distribution should be"
# Optuna's warnings of a queued value, which is refused here, and of one that was drawn from another range.
_OUT_OF_RANGE = "Fixed parameter|Inconsistent parameter"
_RULE = (
    "must be null, a flag, a number or a text of Python's own types, with the same choices and kind in each trial of a "
    "study, as hydra.sweeper.custom_search_space suggests it"
)


def suggest_by(
    function: Callable[..., None], config: DictConfig, trial: Trial, queued: Mapping[str, Any]
) -> dict[str, Any]:
    """Have a function of the user suggest values; return those of this call, and nothing else that the trial holds.

    queued: what the trial holds before.

    Raises:
        UserError: a value that no study can keep, or other choices than in an earlier trial.
        NoPoint: the trial was queued with a value that the function does not suggest.
    """
    watched = _Watched.of(trial, queued)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=_NO_PLAIN_VALUE)
            warnings.filterwarnings("ignore", message=_OUT_OF_RANGE)
            function(config, watched)
    except (ValueError, TypeError, UserWarning) as error:
        key = _suggested_key(error)
        if key is None:
            raise
        reason = shorten(str(error))
        if key in queued:
            raise NoPoint(f"it was queued with {key}={show_value(queued[key])}: {reason}") from None
        raise UserError(
            f"{key} {_RULE}; got: {reason}: convert it (int(value), str(value)), give the key another name, or use "
            "another study_name"
        ) from None
    return watched.suggested


class _Watched(Trial):
    """A trial that notes what is suggested, and refuses queued values that are not among the suggested ones."""

    suggested: dict[str, Any]
    queued: Mapping[str, Any]

    @classmethod
    def of(cls, trial: Trial, queued: Mapping[str, Any]) -> _Watched:
        """Return another view of a trial: a new Trial would have its sampler begin once more."""
        watched = cls.__new__(cls)
        vars(watched).update(vars(trial), suggested={}, queued=queued)
        return watched

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        value = super().suggest_float(name, low, high, step=step, log=log)
        return cast(float, self._note(name, value, FloatDistribution(low, high, log, step)))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        value = super().suggest_int(name, low, high, step=step, log=log)
        return cast(int, self._note(name, value, IntDistribution(low, high, log, step)))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self._note(name, super().suggest_categorical(name, choices), CategoricalDistribution(choices))

    def _note(self, name: str, value: Any, distribution: BaseDistribution) -> Any:
        dimension = Dimension(name, distribution)
        check_queued(dimension, self.queued)
        self.suggested[name] = own_value(dimension, value)
        return self.suggested[name]


def _suggested_key(error: Exception) -> str | None:
    """Return the key whose suggestion Optuna refused, None if the function itself raised the error."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        if _OPTUNA in Path(code.co_filename).parents and code.co_name.startswith("suggest_"):
            return str(frame.f_locals.get("name"))
    return None
