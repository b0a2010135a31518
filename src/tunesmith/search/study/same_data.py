"""Whether the trials of a study train on the same data."""

from __future__ import annotations

from optuna import Trial

from tunesmith.config.changes import show_digest
from tunesmith.errors import UserError
from tunesmith.search.attribute_names import CONFIG_ERROR, DATA, SURPLUS
from tunesmith.search.study.study_of_space import StudyOfSpace
from tunesmith.search.study.trial import Attempt


def record_data(study: StudyOfSpace, trial: Trial, digest: str) -> None:
    """Write down which data an attempt trains on, and compare with the other trials of its stage whose values
    choose the same data.

    Write first, then compare: of two attempts that begin at the same moment, at least one sees the other.

    Raises:
        UserError: another trial has other data. The attempt is surplus; a retry is lost, and goes on another time.
    """
    trial.set_user_attr(DATA, digest)
    trials = study.get_trials(deepcopy=False)
    keys, value = study.members.data_keys(trials[trial.number]), study.members.value
    for other in map(Attempt, trials):
        before = other.data_digest
        is_other = before not in (None, digest) and not other.is_surplus and other.stage == Attempt(trial).stage
        if not is_other or any(value(other.trial, key) != value(trial, key) for key in keys):
            continue
        trial.set_user_attr(DATA, None)  # so that it is no record for later trials
        error = UserError(
            f"the data must stay the same in study {study.study_name}: trial {other.first_attempt} trained on "
            f"{show_digest(str(before))}; got {show_digest(digest)}: restore it, or use another study_name"
        )
        trial.set_user_attr(CONFIG_ERROR, str(error))
        if not Attempt(trial).is_retry:
            trial.set_user_attr(SURPLUS, True)
        raise error
