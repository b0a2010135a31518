"""The budget of a study: exactly n_trials trials count, however many workers ask and whatever is killed.

A trial and its retries count once: they share the rank of the trial's first attempt, and may run if that rank is below
n_trials. A worker that asks for an attempt finds the rank by counting the trials that come before, so that no worker
waits for another one, and no two trials are the last of n_trials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import optuna
from optuna import Study, Trial
from optuna.trial import FrozenTrial, TrialState, create_trial

from tunesmith.search.attribute_names import CONFIG, OWNER, POINT, REASON, STAGE, SURPLUS
from tunesmith.search.stopping_rules import NEVER, Stopping
from tunesmith.search.study.owner import this_process
from tunesmith.search.study.retries import make_retry, next_to_retry, requeue
from tunesmith.search.study.stopping import why_stopped
from tunesmith.search.study.study import tell
from tunesmith.search.study.study_of_space import StudyOfSpace
from tunesmith.search.study.trial import Attempt, State, state_of


def ask(
    study: Study, n_trials: int, folder: Path | None = None, max_retries: int = 2, stopping: Stopping = NEVER
) -> Trial | None:
    """Begin an attempt; return None if n_trials are used up or the search is stopped, though some may be running.

    folder: the study's folder, in which the trial gets its own folder; None if trials write no files.
    max_retries: how often a trial is retried after crashes in a row; one crash more and the trial has failed.

    Ask first, then count: two processes that counted first would both take the last rank.
    """
    owner = {**_stage_field(study), OWNER: {**this_process().to_attribute(folder), **_config_field(study)}}
    while True:
        try:
            trial = _begin(study, n_trials, owner, stopping)
            if trial is None or _may_run(study, trial, n_trials, max_retries, stopping):
                return trial
        except optuna.exceptions.UpdateFinishedTrialError:
            continue  # claimed too late: another worker took the attempt for stale


def keeps_point(study: Study, trial: Trial) -> bool:
    """Whether an attempt is the only one at its point, if that is run once; if not, end it as surplus.

    Draw first, then look: of two workers that took the same point, at least one sees the other.
    """
    if not (isinstance(study, StudyOfSpace) and study.run_once):
        return True
    held, _ = study.points_held(apart_from=Attempt(trial).first_attempt)
    if study.run_once.of(study.get_trials(deepcopy=False)[trial.number]) not in held:
        return True
    withdraw(study, trial)
    return False


def withdraw(study: Study, trial: Trial) -> None:
    """End an attempt as surplus: it never runs, and leaves the budget to others."""
    with suppress(optuna.exceptions.UpdateFinishedTrialError):  # another worker has ended it
        trial.set_user_attr(SURPLUS, True)
        tell(study, trial.number, TrialState.FAIL)


def budget_rank(trials: Sequence[FrozenTrial], first_attempt: int) -> int:
    """Return how many trials come before one: those that have ended, and the others that were begun before it.

    The trial may run if its rank is below n_trials. An example with n_trials=3:

        attempt 0   COMPLETE                 rank 0
        attempt 1   LOST                     rank 1: behind trial 0
        attempt 2   RUNNING                  rank 2: behind trials 0 and 1
        attempt 3   RUNNING, a retry of 1    rank 1: that of its first attempt
        a further one would be attempt 4     rank 3: surplus, although trial 1 is not running at the moment

    Surplus attempts have no rank, and neither have trials that are no point of the present space, or repeat a point of
    a space that is enumerated. A trial whose retry is surplus, because another one runs its point, has none either: it
    gets no further attempt. first_attempt: number of the trial's first attempt.
    """
    ended: set[int] = set()
    begun: set[int] = set()
    retried: set[int | None] = set()
    withdrawn: dict[int | None, int] = {}
    for trial in trials:
        state, attempt = state_of(trial), Attempt(trial)
        if state is State.OUTSIDE or attempt.is_repeat:
            continue
        if attempt.is_surplus:
            withdrawn[attempt.retry_of] = attempt.first_attempt
        else:
            retried.add(attempt.retry_of)
        if state.is_counted:
            ended.add(attempt.first_attempt)
        elif state is State.LOST or not attempt.is_surplus:
            begun.add(attempt.first_attempt)
    given_up = {first for retry_of, first in withdrawn.items() if retry_of is not None and retry_of not in retried}
    return len(ended - {first_attempt}) + sum(other < first_attempt for other in begun - ended - given_up)


def _config_field(study: Study) -> dict[str, str]:
    """Return what an owner says of the config that its trials have in common."""
    digest = study.members.digest if isinstance(study, StudyOfSpace) else None
    return {} if digest is None else {CONFIG: digest}


def _stage_field(study: Study) -> dict[str, str]:
    stage = study.scope.stage if isinstance(study, StudyOfSpace) else None
    return {} if stage is None else {STAGE: stage}


def _begin(study: Study, n_trials: int, owner: Mapping[str, Any], stopping: Stopping) -> Trial | None:
    """Begin the retry of a lost attempt, or else a queued or a new one; None if none may begin."""
    trials = study.get_trials(deepcopy=False)
    if stopping != NEVER and why_stopped(trials, study.directions[0], stopping) is not None:
        return None
    lost = next_to_retry(trials)
    if lost is not None and _is_within_budget(trials, Attempt(lost).first_attempt, n_trials):
        return _create(study, make_retry(trials, lost, owner))
    queued = [trial for trial in trials if trial.state == TrialState.WAITING and state_of(trial) is State.WAITING]
    if any(_is_within_budget(trials, Attempt(trial).first_attempt, n_trials) for trial in queued):
        trial = _shown(study).ask()
        for name, value in owner.items():  # the stage first
            trial.set_user_attr(name, value)
        return trial
    return _begin_new(study, owner) if _is_within_budget(trials, len(trials), n_trials) else None


def _begin_new(study: Study, owner: Mapping[str, Any]) -> Trial | None:
    """Begin a new attempt, of the next listed point if one is left; None if there is nothing else to run."""
    point = study.next_point() if isinstance(study, StudyOfSpace) else None
    if point is None and isinstance(study, StudyOfSpace) and study.run_once.only_listed:
        return None
    system_attrs = {} if point is None else {POINT: dict(point)}
    return _create(study, create_trial(state=TrialState.RUNNING, user_attrs=dict(owner), system_attrs=system_attrs))


def _shown(study: Study) -> Study:
    """Return the study that attempts are begun in, whose trials Optuna's sampler and pruner see."""
    return study.shown if isinstance(study, StudyOfSpace) else study


def _create(study: Study, attempt: FrozenTrial) -> Trial:
    """Add an attempt that runs, as study.ask does; its owner comes with it, so that no kill leaves one without."""
    shown = _shown(study)
    shown._thread_local.cached_all_trials = None  # otherwise samplers see the trials of the last ask
    return Trial(shown, study._storage.create_new_trial(study._study_id, attempt))


def _may_run(study: Study, trial: Trial, n_trials: int, max_retries: int, stopping: Stopping) -> bool:
    """Whether a claimed attempt may run; if it is surplus, a second retry or crashed too often, end it."""
    trials = study.get_trials(deepcopy=False)
    attempt = Attempt(trials[trial.number])
    if attempt.state is State.OUTSIDE:  # queued: it stays lost until the space has its point again
        tell(study, trial.number, TrialState.FAIL)
        return False
    is_duplicate = _is_second_retry(trials, attempt)
    is_stopped = why_stopped(trials, study.directions[0], stopping) is not None  # meanwhile: the next stage may run
    is_within_budget = not is_stopped and _is_within_budget(trials, attempt.first_attempt, n_trials)
    if not is_within_budget and attempt.is_retry and not is_duplicate:
        requeue(study, trial.number)  # it may run in a larger budget
        return False
    if not is_within_budget or is_duplicate:
        trial.set_user_attr(SURPLUS, True)
    elif attempt.crashes > max_retries:
        times = f"{attempt.crashes} times since its last progress"
        trial.set_user_attr(
            REASON, f"its process ended {times} (killed, out of memory?); hydra.sweeper.max_retries={max_retries}"
        )
    else:
        return True
    tell(study, trial.number, TrialState.FAIL)
    return False


def _is_within_budget(trials: Sequence[FrozenTrial], first_attempt: int, n_trials: int) -> bool:
    """Whether a trial has a rank below n_trials; true without counting if there are fewer attempts than n_trials."""
    return len(trials) < n_trials or budget_rank(trials, first_attempt) < n_trials


def _is_second_retry(trials: Sequence[FrozenTrial], attempt: Attempt) -> bool:
    """Whether another process has already begun a retry of the same attempt."""
    retry_of = attempt.retry_of
    if retry_of is None:
        return False
    return any(Attempt(trial).retry_of == retry_of for trial in trials[: attempt.number])
