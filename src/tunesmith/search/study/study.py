"""A study: open it, count its trials, find the best one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import optuna
from optuna import Study, Trial
from optuna.distributions import check_distribution_compatibility
from optuna.pruners import BasePruner
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tunesmith.errors import UserError
from tunesmith.search.sampling.sampler import FIRST_ATTEMPT, SURPLUS
from tunesmith.search.space.space import Space
from tunesmith.search.study.owner import is_dead

# The process that runs a trial, and a number that it raises every few seconds while it does.
OWNER = "owner"
HEARTBEAT = "lease"
# Why a trial failed; set on every FAIL that counts, so that one without it is a lost attempt.
REASON = "reason"
# A mistake of the user, on the lost first trial of a study: the sweep ends there.
CONFIG_ERROR = "mistake"
# Epochs that a trial has trained, set where its steps are no epochs.
EPOCHS = "epochs"

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


def make_study(storage: BaseStorage, name: str, direction: str) -> bool:
    """Make a study; return False where it was there before, or another process was faster."""
    try:
        storage.get_study_id_from_name(name)  # creating writes to the storage even where the study is there
        return False
    except KeyError:
        pass
    try:
        optuna.create_study(storage=storage, study_name=name, direction=DIRECTIONS[direction])
    except optuna.exceptions.DuplicatedStudyError:
        return False
    return True


def open_study(storage: BaseStorage, name: str, direction: str, pruner: BasePruner, space: Space) -> Study:
    """Open a study, or make it where there is none.

    Raises:
        UserError: the study there has another direction, or a key varies over something that does not go with it.
    """
    make_study(storage, name, direction)
    study = optuna.load_study(study_name=name, storage=storage, pruner=pruner)
    stored = "maximize" if study.direction == StudyDirection.MAXIMIZE else "minimize"
    if stored != DIRECTIONS[direction]:
        raise UserError(
            f"objective.mode must stay {stored} in study {name}; got {direction}; or use another study_name"
        )
    _check_space(study, space)
    return study


def is_lost(trial: FrozenTrial) -> bool:
    """Tell a lost attempt from a trial that failed for a cause of its own."""
    return trial.state == TrialState.FAIL and REASON not in trial.user_attrs and SURPLUS not in trial.user_attrs


def is_counted(trial: FrozenTrial) -> bool:
    """Whether a trial takes a place of n_trials for good."""
    return trial.state in (TrialState.COMPLETE, TrialState.PRUNED) or (
        trial.state == TrialState.FAIL and REASON in trial.user_attrs
    )


def count(study: Study) -> Counts:
    """Count a study's trials by how they ended."""
    return counts(study.get_trials(deepcopy=False))


def counts(trials: Sequence[FrozenTrial]) -> Counts:
    """Count trials by how they ended."""
    counted = [trial.state for trial in trials if is_counted(trial)]
    return Counts(
        complete=counted.count(TrialState.COMPLETE),
        pruned=counted.count(TrialState.PRUNED),
        failed=counted.count(TrialState.FAIL),
        lost=sum(map(is_lost, trials)),
    )


def is_worthless(study: Study) -> bool:
    """Whether a study holds nothing but what a user's mistake has left: no result, no epoch, nothing to go on with."""
    return not any(is_counted(trial) or _is_of_use(trial) for trial in study.get_trials(deepcopy=False))


def _is_of_use(trial: FrozenTrial) -> bool:
    if CONFIG_ERROR in trial.user_attrs:
        return False
    owner = trial.user_attrs.get(OWNER)
    may_run = trial.state == TrialState.RUNNING and not (owner and is_dead(owner))
    return may_run or bool(trial.intermediate_values)


def is_over(trials: Sequence[FrozenTrial], n_trials: int) -> bool:
    """Whether n_trials of a study's trials count."""
    return sum(map(is_counted, trials)) >= n_trials


def folder_name(trial: FrozenTrial | Trial) -> str:
    """Return the name of a trial's folder: the number of its first attempt."""
    return str(first_attempt(trial))


def place(trial: FrozenTrial, folder: Path) -> str:
    """Return a trial's folder: seen from the study's folder, absolute where it was left outside of that.

    Another host's folder of the same name as this one is taken for the same: hosts of a cluster share their disks.
    """
    left_in = trial.user_attrs.get(OWNER, {}).get("folder")
    name = folder_name(trial)
    return name if left_in in (None, str(folder.absolute())) else f"{left_in}/{name}"


def host(trial: FrozenTrial) -> str | None:
    """Return the host on which a trial ended; None where no worker of ours has run it."""
    name = trial.user_attrs.get(OWNER, {}).get("host")
    return None if name is None else str(name)


def first_attempt(trial: FrozenTrial | Trial) -> int:
    """Return the number of a trial's first attempt."""
    return int(trial.user_attrs.get(FIRST_ATTEMPT, trial.number))


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
