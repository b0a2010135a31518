"""A study: open it, end its attempts, find the best trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

import optuna
from optuna import Study
from optuna.pruners import BasePruner
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tunesmith.errors import UserError
from tunesmith.search.attribute_names import REASON
from tunesmith.search.study.config_record import ConfigRecord, read_records
from tunesmith.search.study.front import feasible, violations
from tunesmith.search.study.members import Members
from tunesmith.search.study.scope import Scope
from tunesmith.search.study.study_of_space import StudyOfSpace
from tunesmith.search.study.trial import Attempt, State, state_of

Direction = Literal["minimize", "maximize"]
DIRECTIONS: dict[str, Direction] = {
    "min": "minimize",
    "max": "maximize",
    "minimize": "minimize",
    "maximize": "maximize",
}


def directions_of(direction: str | Sequence[str]) -> list[Direction]:
    """Return what hydra.sweeper.direction says, a word for each objective."""
    return [DIRECTIONS[each] for each in ([direction] if isinstance(direction, str) else direction)]


def make_study(storage: BaseStorage, name: str, direction: str | Sequence[str]) -> bool:
    """Make a study; return False if it was there before, or another process was faster.

    direction: of its objective, or of each of several.
    """
    try:
        storage.get_study_id_from_name(name)  # creating a study writes to the storage even if the study is there
        return False
    except KeyError:
        pass
    try:
        optuna.create_study(storage=storage, study_name=name, directions=directions_of(direction))
    except optuna.exceptions.DuplicatedStudyError:
        return False
    return True


def open_study(
    storage: BaseStorage,
    name: str,
    direction: str | Sequence[str],
    pruner: BasePruner,
    scope: Scope,
    present: ConfigRecord | None = None,
) -> StudyOfSpace:
    """Open a study, or make it if there is none.

    direction: of its objective, or of each of several.
    scope: what the command, or one of its stages, looks at; present: what its trials have in common.

    Raises:
        UserError: the study has another direction, or other ones.
    """
    make_study(storage, name, direction)
    stored_study = optuna.load_study(study_name=name, storage=storage)
    members = Members(scope, present, lambda: read_records(stored_study))
    study = StudyOfSpace(name, storage, pruner, scope, members)
    stored = [each.name.lower() for each in study.directions]
    if stored != directions_of(direction):
        was, now = ", ".join(stored), direction if isinstance(direction, str) else ", ".join(direction)
        raise UserError(f"objective.mode must stay {was} in study {name}; got {now}; or use another study_name")
    return study


def tell(study: Study, number: int, state: TrialState, value: float | Sequence[float] | None = None) -> bool:
    """End an attempt; return False if it had ended before. value: of a COMPLETE one; several of several objectives."""
    shown = study.shown if isinstance(study, StudyOfSpace) else study
    try:
        shown.tell(number, value, state)
    except (ValueError, optuna.exceptions.UpdateFinishedTrialError):
        return False
    return True


def fail(study: Study, trial: FrozenTrial, reason: str) -> bool:
    """End an attempt of another process as failed; return False if it had ended before."""
    try:
        study._storage.set_trial_user_attr(trial._trial_id, REASON, reason)
    except optuna.exceptions.UpdateFinishedTrialError:
        return False
    return tell(study, trial.number, TrialState.FAIL)


def best_trial(trials: Sequence[FrozenTrial], direction: StudyDirection) -> FrozenTrial | None:
    """Return the complete trial with the best value, the first of equals, without those that break a constraint.

    None if there is no such trial.
    """
    direction_sign = -1.0 if direction == StudyDirection.MAXIMIZE else 1.0
    complete = [trial for trial in trials if state_of(trial) is State.COMPLETE]
    best = min(complete, key=lambda trial: direction_sign * trial.values[0], default=None)
    if best is None or not violations(best):  # to look at the constraints of all takes longer than all the rest
        return best
    return min(feasible(complete), key=lambda trial: direction_sign * trial.values[0], default=None)


@runtime_checkable
class _HasCandidates(Protocol):
    def candidates(self) -> list[FrozenTrial]: ...


def candidates(study: Study) -> list[FrozenTrial]:
    """Return the trials of which the best one is the study's: all, but those of other stages that are no match."""
    return study.candidates() if isinstance(study, _HasCandidates) else study.get_trials(deepcopy=False)


@runtime_checkable
class _HasComparable(Protocol):
    def comparable(self, trial: FrozenTrial) -> list[FrozenTrial]: ...


def comparable(study: Study, trial: FrozenTrial, trials: list[FrozenTrial]) -> list[FrozenTrial]:
    """Return the trials of which the best so far is shown beside a trial, none for a repeat; without stages, all."""
    is_of_stage = Attempt(trial).stage is not None
    return study.comparable(trial) if is_of_stage and isinstance(study, _HasComparable) else trials


def is_worthless(study: Study) -> bool:
    """Whether a study holds only what a mistake in the config has left: no result, no epoch, nothing to go on with."""
    return not any(_is_of_use(Attempt(trial), trial) for trial in study.get_trials(deepcopy=False))


def _is_of_use(attempt: Attempt, trial: FrozenTrial) -> bool:
    if attempt.state.is_counted or attempt.state is State.OUTSIDE:
        return True
    if attempt.config_error is not None:
        return False
    may_run = attempt.state == State.RUNNING and not (attempt.owner and attempt.owner.is_dead())
    return may_run or bool(trial.intermediate_values)
