"""A study: open it, heal it, ask it for trials within the budget."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import optuna
from optuna import Study, Trial
from optuna.distributions import check_distribution_compatibility
from optuna.pruners import BasePruner
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from tunesmith.errors import UserError
from tunesmith.search.owners import is_dead, this_process
from tunesmith.search.sampler import FIRST_ATTEMPT, WITHDRAWN
from tunesmith.search.space import Space

OWNER = "owner"
# Why a trial failed; set on every FAIL that counts, so that one without it is a lost attempt.
REASON = "reason"
# Epochs that a trial has trained, set where its steps are no epochs.
EPOCHS = "epochs"
# A process killed between asking and signing leaves a trial without owner; after this many seconds it is lost.
SIGNING_SECONDS = 60.0

DIRECTIONS: dict[str, Literal["minimize", "maximize"]] = {
    "min": "minimize",
    "max": "maximize",
    "minimize": "minimize",
    "maximize": "maximize",
}


@dataclass(frozen=True)
class Counts:
    """How many trials ended how."""

    complete: int
    pruned: int
    failed: int
    lost: int

    @property
    def counted(self) -> int:
        return self.complete + self.pruned + self.failed


def open_study(storage: BaseStorage, name: str, direction: str, pruner: BasePruner, space: Space) -> Study:
    """Open a study, or make it where there is none.

    Raises:
        UserError: the study there has another direction, or a key varies over something that does not go with it.
    """
    try:  # creating writes to the storage even where the study is there
        study = optuna.load_study(study_name=name, storage=storage, pruner=pruner)
    except KeyError:
        study = optuna.create_study(
            storage=storage, pruner=pruner, study_name=name, direction=DIRECTIONS[direction], load_if_exists=True
        )
    stored = "maximize" if study.direction == StudyDirection.MAXIMIZE else "minimize"
    if stored != DIRECTIONS[direction]:
        raise UserError(
            f"objective.mode must stay {stored} in study {name}; got {direction}; or use another study_name"
        )
    _check_space(study, space)
    return study


def heal(study: Study) -> list[int]:
    """Tell FAIL for trials whose process is gone, queue them again; return their numbers."""
    healed = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if _is_orphan(trial) and _tell_lost(study, trial.number):
            _queue_again(study, trial)
            healed.append(trial.number)
    for trial in _latest_attempts(study.get_trials(deepcopy=False)).values():
        if is_lost(trial) and _seconds_since(trial.datetime_complete) > SIGNING_SECONDS:
            _queue_again(study, trial)  # whoever ended it was killed before it could
    return healed


def ask(study: Study, n_trials: int) -> Trial | None:
    """Ask for a trial and sign it; None where n_trials are finished or running.

    Asked first and counted after: two processes that count before they ask both take the last place.
    """
    if _taken(study.get_trials(deepcopy=False)) >= n_trials:
        return None
    trial = study.ask()
    trial.set_user_attr(OWNER, this_process())
    if _taken(study.get_trials(deepcopy=False)[: trial.number]) < n_trials:
        return trial
    trial.set_user_attr(WITHDRAWN, True)
    study.tell(trial, state=TrialState.FAIL)
    return None


def tell_lost(study: Study, trial: Trial) -> None:
    """Give a trial back that ended through no fault of its own: it runs again, from its last checkpoint."""
    if _tell_lost(study, trial.number):
        _queue_again(study, study.get_trials(deepcopy=False)[trial.number])


def is_lost(trial: FrozenTrial) -> bool:
    """Tell a lost attempt from a trial that failed for a cause of its own."""
    return trial.state == TrialState.FAIL and REASON not in trial.user_attrs and WITHDRAWN not in trial.user_attrs


def is_counted(trial: FrozenTrial) -> bool:
    """Whether a trial takes a place of n_trials for good."""
    return trial.state in (TrialState.COMPLETE, TrialState.PRUNED) or (
        trial.state == TrialState.FAIL and REASON in trial.user_attrs
    )


def count(study: Study) -> Counts:
    """Count a study's trials by how they ended."""
    trials = study.get_trials(deepcopy=False)
    counted = [trial.state for trial in trials if is_counted(trial)]
    return Counts(
        complete=counted.count(TrialState.COMPLETE),
        pruned=counted.count(TrialState.PRUNED),
        failed=counted.count(TrialState.FAIL),
        lost=sum(map(is_lost, trials)),
    )


def is_idle(study: Study) -> bool:
    """Whether no trial of a study counts, and none runs."""
    return _taken(study.get_trials(deepcopy=False)) == 0


def folder_name(trial: FrozenTrial | Trial) -> str:
    """Return the name of a trial's folder: the number of its first attempt."""
    return str(trial.user_attrs.get(FIRST_ATTEMPT, trial.number))


def best_trial(trials: Sequence[FrozenTrial], direction: StudyDirection) -> FrozenTrial | None:
    """Return the complete trial with the best value, the first of equals; None where there is none."""
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    sign = -1.0 if direction == StudyDirection.MAXIMIZE else 1.0
    return min(complete, key=lambda trial: sign * trial.values[0], default=None)


def num_epochs(trial: FrozenTrial) -> int:
    """Return the epochs that a trial trained: a report each, unless a step took more of them."""
    return int(trial.user_attrs.get(EPOCHS, len(trial.intermediate_values)))


def trial_value(trial: FrozenTrial, direction: StudyDirection) -> float | None:
    """Return a trial's value; a pruned one's is the best that it has reported, as in its result.yaml."""
    if trial.state == TrialState.COMPLETE:
        return float(trial.values[0])
    if trial.state != TrialState.PRUNED or not trial.intermediate_values:
        return None
    pick = max if direction == StudyDirection.MAXIMIZE else min
    return float(pick(trial.intermediate_values.values()))


def _check_space(study: Study, space: Space) -> None:
    for trial in study.get_trials(deepcopy=False):
        for key, before in trial.distributions.items():
            if key not in space.dimensions:
                continue
            try:
                check_distribution_compatibility(before, space.dimensions[key].distribution)
            except ValueError:
                now = space.dimensions[key].describe()
                raise UserError(
                    f"{key} must vary as it did in study {study.study_name} ({before}); got {now}; "
                    "or use another study_name"
                ) from None


def _taken(trials: Sequence[FrozenTrial]) -> int:
    return sum(is_counted(trial) or trial.state == TrialState.RUNNING for trial in trials)


def _is_orphan(trial: FrozenTrial) -> bool:
    owner: Mapping[str, Any] | None = trial.user_attrs.get(OWNER)
    if owner is not None:
        return is_dead(owner)
    return _seconds_since(trial.datetime_start) > SIGNING_SECONDS


def _seconds_since(moment: datetime | None) -> float:
    return 0.0 if moment is None else time.time() - moment.timestamp()


def _tell_lost(study: Study, number: int) -> bool:
    """Return whether this call was the one that ended the trial; whoever did queues it again."""
    try:
        study.tell(number, state=TrialState.FAIL)
    except (ValueError, optuna.exceptions.UpdateFinishedTrialError):
        return False
    return True


def _latest_attempts(trials: Sequence[FrozenTrial]) -> dict[str, FrozenTrial]:
    return {folder_name(trial): trial for trial in trials}


def _queue_again(study: Study, trial: FrozenTrial) -> None:
    """Queue the next attempt of a lost trial: same parameters, same folder, epochs that it has reported."""
    first = trial.user_attrs.get(FIRST_ATTEMPT, trial.number)
    study.add_trial(
        create_trial(
            state=TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            intermediate_values=trial.intermediate_values,
            user_attrs={FIRST_ATTEMPT: first},
        )
    )
