"""The loop of a worker: ask for a trial, compose it, have it run, tell how it ended."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.utils import run_job
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig
from optuna import Study, Trial, TrialPruned
from optuna.trial import TrialState

from tunesmith.errors import RunFailed, UserError
from tunesmith.search.compose import Composer
from tunesmith.search.console import show_trial
from tunesmith.search.handoff import Reporter, handed_over
from tunesmith.search.sampler import FIRST_ATTEMPT
from tunesmith.search.study import EPOCHS, REASON, Counts, ask, count, folder_name, tell_lost

log = logging.getLogger(__name__)

# max_failure_rate is judged from this many finished trials on.
MIN_TRIALS_TO_JUDGE = 5


@dataclass(frozen=True)
class Assignment:
    """A trial to run: its config, and the reporter that is handed to it."""

    trial: Trial
    config: DictConfig
    reporter: Reporter


@dataclass(frozen=True)
class Outcome:
    """How an assignment ended; value is None unless the state is COMPLETE, reason None unless it is FAIL."""

    assignment: Assignment
    state: TrialState
    value: float | None = None
    reason: str | None = None
    error: Exception | None = None


Executor = Callable[[Sequence[Assignment]], Iterator[Outcome]]


class TrialReporter:
    """The reporter of a trial that runs in the worker's own process."""

    def __init__(self, trial: Trial, params: Mapping[str, Any]) -> None:
        self.params = params
        self.is_retry = FIRST_ATTEMPT in trial.user_attrs
        self._trial = trial
        self._reported = set(trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values)
        self._epochs = 0
        self._is_step_an_epoch = True

    def report(self, step: int, value: float, epochs: int = 1) -> bool:
        """A step that an earlier attempt has reported is not reported again."""
        self._epochs += epochs
        self._is_step_an_epoch &= epochs == 1
        if not self._is_step_an_epoch:
            self._trial.set_user_attr(EPOCHS, self._epochs)
        if step not in self._reported:
            self._trial.report(value, step)
            self._reported.add(step)
        return self._trial.should_prune()


class InProcess:
    """Runs assignments one after the other in this process, as Hydra runs a job."""

    def __init__(self, context: HydraContext, task: TaskFunction) -> None:
        self._context = context
        self._task = task
        self._shown: set[str] = set()

    def __call__(self, assignments: Sequence[Assignment]) -> Iterator[Outcome]:
        for assignment in assignments:
            outcome = self._run(assignment)
            if outcome.error is not None:
                outcome.error.__traceback__ = None  # it keeps every tensor of the trial alive
            yield outcome

    def _run(self, assignment: Assignment) -> Outcome:
        outcomes: list[Outcome] = []

        def task(cfg: DictConfig) -> None:
            outcome = _outcome(assignment, self._task, cfg)
            self._log(outcome)
            outcomes.append(outcome)

        with handed_over(assignment.reporter):
            run_job(
                hydra_context=self._context,
                task_function=task,
                config=assignment.config,
                job_dir_key="hydra.sweep.dir",
                job_subdir_key="hydra.sweep.subdir",
            )
        return outcomes[0]

    def _log(self, outcome: Outcome) -> None:
        """Write a failure to the trial's log, a bug with its traceback; the console shows the same one once."""
        if outcome.error is None or outcome.reason is None:
            return
        level = logging.INFO if outcome.reason in self._shown else logging.ERROR
        self._shown.add(outcome.reason)
        is_bug = not isinstance(outcome.error, RunFailed | UserError)
        log.log(
            level,
            "trial %d failed: %s",
            outcome.assignment.trial.number,
            outcome.reason,
            exc_info=is_bug and outcome.error,
        )


def work(
    study: Study,
    suggest: Callable[[Trial], Mapping[str, Any]],
    composer: Composer,
    execute: Executor,
    n_trials: int,
    max_failure_rate: float,
) -> None:
    """Run trials until n_trials of the study are finished or running.

    suggest: draws a trial's values, override key -> value.

    Raises:
        UserError: more than max_failure_rate of the trials failed, or the study's first trial met a user's mistake.
        KeyboardInterrupt, SystemExit, HydraException: the trial under way is given back as lost.
    """
    while (trial := ask(study, n_trials)) is not None:
        try:
            assignment = _assign(trial, suggest(trial), composer)
            for outcome in execute([assignment]):
                _tell(study, outcome)
        except BaseException:
            tell_lost(study, trial)
            raise
        trials = study.get_trials(deepcopy=False)
        show_trial(trials[trial.number], trials, study.direction)
        _judge(count(study), max_failure_rate)


def _assign(trial: Trial, params: Mapping[str, Any], composer: Composer) -> Assignment:
    config = composer.compose(params, trial.number, folder_name(trial))
    return Assignment(trial, config, TrialReporter(trial, params))


def _outcome(assignment: Assignment, task: TaskFunction, cfg: DictConfig) -> Outcome:
    """Run the job; what it raises becomes an outcome."""
    try:
        value = _to_number(task(cfg))
    except TrialPruned:
        return Outcome(assignment, TrialState.PRUNED)
    except (RunFailed, UserError) as error:
        return Outcome(assignment, TrialState.FAIL, reason=str(error), error=error)
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return Outcome(assignment, TrialState.FAIL, reason=reason, error=error)
    return Outcome(assignment, TrialState.COMPLETE, value=value)


def _to_number(returned: Any) -> float:
    try:
        value = float(returned)
    except (TypeError, ValueError):
        raise RunFailed(f"the job must return a number; it returned {returned!r}") from None
    if not math.isfinite(value):
        raise RunFailed(f"the job must return a finite number; it returned {value}")
    return value


def _tell(study: Study, outcome: Outcome) -> None:
    if isinstance(outcome.error, UserError) and count(study).counted == 0:
        raise outcome.error
    trial = outcome.assignment.trial
    if outcome.state == TrialState.FAIL:
        trial.set_user_attr(REASON, outcome.reason)
    study.tell(trial, outcome.value, outcome.state)


def _judge(counts: Counts, max_failure_rate: float) -> None:
    if counts.counted < MIN_TRIALS_TO_JUDGE or counts.failed <= max_failure_rate * counts.counted:
        return
    raise UserError(
        f"hydra.sweeper.max_failure_rate={max_failure_rate} is exceeded: {counts.failed} of {counts.counted} trials "
        "failed; trials.csv has the reasons"
    )
