"""Whether the trials of a study train on the same data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna import Trial

from tunesmith.errors import UserError
from tunesmith.search.study.trial import CONFIG_ERROR, DATA, SURPLUS, Attempt

# How much of a digest a message shows.
NUM_SHOWN = 12


def record_data(trial: Trial, digest: str) -> None:
    """Write down which data an attempt trains on, and compare with the other trials whose params choose the same data.

    Write first, then compare: of two attempts that begin at the same moment, at least one sees the other.

    Raises:
        UserError: another trial has other data. The attempt is surplus; a retry is lost, and goes on another time.
    """
    trial.set_user_attr(DATA, digest)
    chosen = _data_params(trial.params)
    for other in map(Attempt, trial.study.get_trials(deepcopy=False)):
        before = other.data_digest
        if before is None or before == digest or other.is_surplus or _data_params(other.trial.params) != chosen:
            continue
        trial.set_user_attr(DATA, None)  # so that it is no record for later trials
        error = UserError(
            f"the data must stay the same in study {trial.study.study_name}: trial {other.first_attempt} trained on "
            f"{before[:NUM_SHOWN]}; got {digest[:NUM_SHOWN]}: bring the earlier data back, or use another study_name"
        )
        trial.set_user_attr(CONFIG_ERROR, str(error))
        if not Attempt(trial).is_retry:
            trial.set_user_attr(SURPLUS, True)
        raise error


def _data_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the params that choose data: other values of them make other data."""
    plain = {key.lstrip("+"): value for key, value in params.items()}
    return {key: value for key, value in plain.items() if key == "data" or key.startswith(("data.", "data/", "data@"))}
