"""Runs a trial in the worker's own process, as Hydra runs a job."""

from __future__ import annotations

import logging
from typing import Any

from hydra.core.utils import run_job
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig
from optuna import TrialPruned
from optuna.trial import TrialState

from tunesmith.errors import MAX_LINE, AttemptLost, RunFailed, UserError, text_of
from tunesmith.machine_faults import find_machine_fault, silence_helpers
from tunesmith.reporting import hand_over
from tunesmith.search.worker.executor import Assignment, Outcome
from tunesmith.search.worker.failure import has_broken_cuda, reason_of, shown, to_value
from tunesmith.short_traceback import format_short

log = logging.getLogger(__name__)


class InProcess:
    """Runs one trial in this process."""

    def __init__(self, context: HydraContext, task: TaskFunction) -> None:
        self._context = context
        self._task = task
        self._shown: set[str] = set()

    def run(self, assignment: Assignment) -> Outcome:
        """Run a trial's job, with its log and its .hydra/ in the trial's folder.

        Before the job Hydra makes the folder, configures the log and sets variables: a mistake there is the config's.
        """
        ends: list[tuple[Any, Outcome]] = []

        def task(cfg: DictConfig) -> Any:
            """Return or raise what the job does: Hydra hands it to on_job_end."""
            silence_helpers()
            returned = self._call_task(assignment, cfg)
            ends.append((returned, outcome := _outcome_of(assignment, returned)))
            self._log_failure(outcome)
            if isinstance(returned, Exception):
                raise returned
            return returned

        try:
            with hand_over(assignment.reporter):
                run_job(
                    hydra_context=self._context,
                    task_function=task,
                    config=assignment.config,
                    job_dir_key="hydra.sweep.dir",
                    job_subdir_key="hydra.sweep.subdir",
                )
        except AttemptLost as error:
            _forget_frames(error)
            return Outcome(assignment, None, reason=str(error), error=error.__cause__)
        except Exception as error:
            if ends:
                raise
            if (fault := find_machine_fault(error, assignment.folder)) is not None:
                return Outcome(assignment, None, reason=str(fault), error=fault)
            refused = UserError(f"the job cannot begin: {reason_of(error)}")
            return Outcome(assignment, TrialState.FAIL, reason=str(refused), error=refused)
        returned, outcome = ends[0]
        _forget_frames(returned if isinstance(returned, Exception) else None)
        return outcome

    def _call_task(self, assignment: Assignment, cfg: DictConfig) -> Any:
        """Run the job; return its value or what it raised."""
        try:
            return self._task(cfg)
        except SystemExit as error:
            return _failure_of_exit(assignment, error)
        except Exception as error:
            return error

    def _log_failure(self, outcome: Outcome) -> None:
        """Write a failure to the trial's log, a bug with its traceback; the console shows the same failure once.

        The console shows a short traceback, and none if the text is long; the trial's log has all of it.
        """
        if outcome.state is None or outcome.error is None or outcome.reason is None:
            return
        level = logging.INFO if outcome.reason in self._shown else logging.ERROR
        self._shown.add(outcome.reason)
        is_bug = not isinstance(outcome.error, RunFailed | UserError)
        number = outcome.assignment.trial.number
        is_long = len(text_of(outcome.error)) > MAX_LINE
        short = f"\n{format_short(outcome.error).rstrip()}" if is_bug and not is_long else ""
        log.log(level, "trial %d failed: %s%s", number, outcome.reason, short)
        if is_bug or is_long:
            _log_to_files("the whole of it:", outcome.error)


def _log_to_files(text: str, error: BaseException) -> None:
    """Write an error with its whole traceback to the log files alone."""
    record = log.makeRecord(log.name, logging.INFO, __file__, 0, text, (), (type(error), error, error.__traceback__))
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(record)


def _outcome_of(assignment: Assignment, returned: Any) -> Outcome:
    """Return the outcome of a job; returned: its value, or what it raised."""
    if isinstance(returned, TrialPruned):
        return Outcome(assignment, TrialState.PRUNED)
    try:
        if not isinstance(returned, Exception):
            return Outcome(assignment, TrialState.COMPLETE, value=to_value(returned, assignment.num_objectives))
        error = returned
    except Exception as failure:  # what was returned is no number, or CUDA is broken
        error = failure
    if (fault := find_machine_fault(error, assignment.folder)) is not None:
        return Outcome(assignment, None, reason=str(fault), error=fault)
    must_restart = has_broken_cuda(error)
    return Outcome(assignment, TrialState.FAIL, reason=reason_of(error), error=error, must_restart=must_restart)


def _failure_of_exit(assignment: Assignment, error: SystemExit) -> RunFailed:
    """Return why a job that called sys.exit has failed; raises AttemptLost if the sweep was asked to end."""
    try:
        assignment.reporter.check()
    except RunFailed as failure:
        return failure
    return RunFailed(f"the job called sys.exit({'' if error.code is None else shown(error.code)})")


def _forget_frames(error: BaseException | None) -> None:
    """Drop the tracebacks of an error and its causes: their frames keep every tensor of the trial alive."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:  # `raise cause from None` makes a circle of contexts
        seen.add(id(error))
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
