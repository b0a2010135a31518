"""Runs a trial in the worker's own process, as Hydra runs a job."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from hydra.core.utils import run_job
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig
from optuna import TrialPruned
from optuna.trial import TrialState

from tunesmith.errors import RunFailed, UserError
from tunesmith.reporting import handed_over
from tunesmith.search.worker.failure import has_broken_cuda, reason_of, to_number
from tunesmith.search.worker.worker import Assignment, Outcome

log = logging.getLogger(__name__)


class InProcess:
    """Runs assignments one after the other."""

    def __init__(self, context: HydraContext, task: TaskFunction) -> None:
        self._context = context
        self._task = task
        self._shown: set[str] = set()

    def __call__(self, assignments: Sequence[Assignment]) -> Iterator[Outcome]:
        for assignment in assignments:
            outcome = self._run(assignment)
            _forget_frames(outcome.error)
            yield outcome

    def _run(self, assignment: Assignment) -> Outcome:
        outcomes: list[Outcome] = []

        def task(cfg: DictConfig) -> None:
            outcome = self._outcome(assignment, cfg)
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

    def _outcome(self, assignment: Assignment, cfg: DictConfig) -> Outcome:
        """Run the job; what it returns or raises becomes an outcome."""
        try:
            return Outcome(assignment, TrialState.COMPLETE, value=to_number(self._task(cfg)))
        except TrialPruned:
            return Outcome(assignment, TrialState.PRUNED)
        except SystemExit as left:
            error = _left(assignment, left)
            return Outcome(assignment, TrialState.FAIL, reason=str(error), error=error)
        except Exception as error:
            is_spent = has_broken_cuda(error)
            return Outcome(assignment, TrialState.FAIL, reason=reason_of(error), error=error, ends_worker=is_spent)

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


def _left(assignment: Assignment, left: SystemExit) -> RunFailed:
    """Return why a job that left by sys.exit has failed; raises AttemptLost where the sweep was asked to end."""
    try:
        assignment.reporter.poll()
    except RunFailed as error:
        return error
    return RunFailed(f"the job called sys.exit({'' if left.code is None else left.code!r})")


def _forget_frames(error: BaseException | None) -> None:
    """Let go of what an error and its causes were raised in: it keeps every tensor of the trial alive."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
