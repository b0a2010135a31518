"""Calls custom_search_space, and says in one line which value a study cannot keep."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import optuna
from omegaconf import DictConfig
from optuna import Trial

from tunesmith.errors import UserError, shorten

_OPTUNA = Path(optuna.__file__).parent
# Optuna's warning of choices that a storage cannot give back; the next trial would fail with other words.
_NO_PLAIN_VALUE = "Choices for a categorical distribution should be"
_RULE = (
    "must be null, a flag, a number or a text of Python's own types, with the same choices and kind in each trial of a "
    "study, as hydra.sweeper.custom_search_space suggests it"
)


def suggest_by(function: Callable[..., None], config: DictConfig, trial: Trial) -> None:
    """Have a function of the user suggest values.

    Raises:
        UserError: a value that no study can keep, or other choices than in an earlier trial.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=_NO_PLAIN_VALUE)
            function(config, trial)
    except (ValueError, TypeError, UserWarning) as error:
        key = _suggested_key(error)
        if key is None:
            raise
        reason = shorten(str(error))
        raise UserError(
            f"{key} {_RULE}; got: {reason}: convert it (int(value), str(value)), give the key another name, or use "
            "another study_name"
        ) from None


def _suggested_key(error: Exception) -> str | None:
    """Return the key whose suggestion Optuna refused, None if the function itself raised the error."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        if _OPTUNA in Path(code.co_filename).parents and code.co_name.startswith("suggest_"):
            return str(frame.f_locals.get("name"))
    return None
