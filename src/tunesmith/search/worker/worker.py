"""The loop of a worker: ask for trials, compose them, have them run, tell how each ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from optuna import Study, Trial
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from tunesmith.errors import MachineFault, UserError
from tunesmith.machine_faults import find_machine_fault
from tunesmith.resume.comparison import check_retry
from tunesmith.search.attribute_names import CONFIG_ERROR, REASON
from tunesmith.search.console.lines import Show, say, show_silence, show_trial
from tunesmith.search.constraints import Constraint
from tunesmith.search.sampling.queued import NoPoint
from tunesmith.search.storage.journal import JournalDamaged
from tunesmith.search.study.budget import ask, keeps_point, withdraw
from tunesmith.search.study.counts import NONE_ENDED, Counts, check_failure_rate, count
from tunesmith.search.study.heartbeat import Heartbeats
from tunesmith.search.study.owner import worker_index
from tunesmith.search.study.retries import StaleTrials, requeue
from tunesmith.search.study.shown_study import unwrapped
from tunesmith.search.study.study import comparable, tell
from tunesmith.search.study.trial import Attempt
from tunesmith.search.worker.executor import Assignment, Executor, Outcome
from tunesmith.search.worker.interruption import Interruption
from tunesmith.search.worker.labels import label
from tunesmith.search.worker.stage_at_work import StageAtWork
from tunesmith.search.worker.tell_constraints import tell_constraints
from tunesmith.search.worker.trial_reporter import TrialReporter

# Between two looks for stale attempts of other workers, and between two looks for a free place.
STALE_INTERVAL_S = 1.0
WAIT_INTERVAL_S = 0.2


class WorkerMustRestart(Exception):
    """This process cannot run another trial: the rest of the budget needs a fresh one."""


@dataclass(frozen=True)
class Limits:
    """What ends a sweep besides its stages.

    timeout: seconds after which no trial is started; trial_timeout: seconds that an attempt may take.
    before: the study's counts when this call of the sweep began, whose trials max_failure_rate judges.
    constraints: what a trial has to keep to be the best one; it ends nothing.
    """

    max_failure_rate: float = 0.5
    max_retries: int = 2
    timeout: float | None = None
    trial_timeout: float | None = None
    before: Counts = NONE_ENDED
    constraints: Sequence[Constraint] = ()


class Worker:
    """Runs trials of a study until its stages are over, as many at once as its executor takes."""

    def __init__(
        self,
        study: Study,
        find_stage: Callable[[], StageAtWork],
        is_over: Callable[[], bool],
        execute: Executor,
        limits: Limits,
        interruption: Interruption,
        folder: Path,
        started: float | None = None,
        on_start: Callable[[], object] | None = None,
        is_time_called: Callable[[], bool] = lambda: False,
        show: Show = show_trial,
    ) -> None:
        """Take what a worker needs.

        study: the whole sweep's; find_stage: gives the stage that is not over, or the last; is_over: whether no stage
        has a trial to begin; folder: the study's; started: of the sweep, on the scale of time.monotonic();
        is_time_called: whether the sweep says that it is late; show: prints a trial that has ended.
        on_start: imports what trials need, which takes seconds; called before the first trial is asked for, so that a
        process killed meanwhile leaves no trial behind that is charged for it.
        """
        self._study = study
        self._find_stage = find_stage
        self._is_over = is_over
        self._execute = execute
        self._limits = limits
        self._interruption = interruption
        self._folder = folder
        self._started = time.monotonic() if started is None else started
        self._on_start = on_start
        self._is_time_called = is_time_called
        self._show_trial = show
        self._heartbeats = Heartbeats(study, tell_silence=show_silence if worker_index() is None else None)
        self._running: dict[int, Trial] = {}
        self._stale_trials = StaleTrials(study, self._running)
        self._looked_for_stale = float("-inf")
        self._is_waiting = False

    def work(self) -> None:
        """Return when n_trials have ended, the search is stopped, the time is over, or the sweep was asked to end.

        Raises:
            UserError: too many trials failed, or the study's first trial met a mistake in the config.
            MachineFault: a disk is full, a folder is gone, the study's database does not answer, or the like.
            WorkerMustRestart: the process can run no further trial.
        """
        try:
            if self._on_start is not None and not self.is_ending() and not self._is_over():
                self._on_start()
            with self._heartbeats.run(), closing(self._execute(self._more)) as outcomes:
                for outcome in outcomes:
                    self._end(outcome)
        except BaseException as error:
            with suppress(JournalDamaged, MachineFault):
                self._requeue_running()
            if isinstance(error, JournalDamaged):
                raise WorkerMustRestart(str(error)) from None
            fault = find_machine_fault(error, self._folder) if isinstance(error, OSError) else None
            if fault is not None:
                raise fault from None
            raise

    def is_ending(self) -> bool:
        """Whether no further trial is to be started."""
        seconds = self._limits.timeout
        is_late = seconds is not None and time.monotonic() - self._started >= seconds
        return is_late or self._interruption.signal is not None or self._is_time_called()

    def _more(self, n: int) -> list[Assignment]:
        """Return up to n assignments; if this worker runs no trial, wait: a trial of another worker may be lost."""
        assignments: list[Assignment] = []
        while len(assignments) < n and not self.is_ending():
            self._end_stale()
            stage = self._find_stage()
            trial = ask(stage.study, stage.n_trials, self._folder, self._limits.max_retries, stage.stopping)
            if trial is not None:
                assignments += self._assignments(stage, trial)
            elif self._running or self._is_over():
                break
            else:
                self._wait()
        return assignments

    def _end_stale(self) -> None:
        if time.monotonic() - self._looked_for_stale > STALE_INTERVAL_S:
            self._looked_for_stale = time.monotonic()
            self._stale_trials.end()

    def _wait(self) -> None:
        if not self._is_waiting:
            self._is_waiting = True
            say("waiting for trials that other workers run")
        time.sleep(WAIT_INTERVAL_S)

    def _assignments(self, stage: StageAtWork, trial: Trial) -> list[Assignment]:
        """Return a claimed trial as an assignment, none if it was taken away meanwhile."""
        self._is_waiting = False
        number = trial.number
        self._running[number] = trial
        self._heartbeats.add(trial)
        try:
            params = stage.draw(trial)
            if not keeps_point(stage.study, trial):
                self._forget(number)
                return []
            name = Attempt(trial).folder_name
            config = stage.composer.compose(params, number, name)
            label(trial, config)
            is_taken, limit = partial(self._heartbeats.is_taken, number), self._limits.trial_timeout
            reporter = TrialReporter(trial, params, self._interruption, is_taken, limit)
        except (UpdateFinishedTrialError, NoPoint) as error:
            if isinstance(error, NoPoint):
                say(f"trial {number} is not run: {error}")
                withdraw(stage.study, trial)
            self._forget(number)
            return []
        self._heartbeats.follow(number, lambda: reporter.progress)
        if reporter.is_retry:
            check_retry(config, self._folder / name)
        return [Assignment(trial, config, self._folder / name, reporter)]

    def _end(self, outcome: Outcome) -> None:
        """Tell the study how a trial ended, and show it; a lost attempt is requeued."""
        trial = outcome.assignment.trial
        number = trial.number
        if outcome.state is None:
            requeue(unwrapped(trial.study), number)
            self._forget(number)
            if isinstance(outcome.error, MachineFault):  # any other trial would meet it
                raise outcome.error
        else:
            is_told = self._tell(outcome)
            self._forget(number)
            if is_told:  # otherwise another worker has taken the attempt away, and runs the trial again
                self._show(trial)
        if outcome.must_restart:
            raise WorkerMustRestart(outcome.reason)

    def _tell(self, outcome: Outcome) -> bool:
        """Return False if the attempt had ended before; raises UserError at a mistake that every trial would meet."""
        trial = outcome.assignment.trial
        study = unwrapped(trial.study)
        try:
            outcome = tell_constraints(outcome, self._limits.constraints)
            assert outcome.state is not None
            if isinstance(outcome.error, UserError) and Attempt(trial).config_error is not None:  # other data
                if Attempt(trial).is_surplus:
                    tell(study, trial.number, outcome.state)
                raise outcome.error
            if isinstance(outcome.error, UserError) and not count(self._study.get_trials(deepcopy=False)).counted:
                trial.set_user_attr(CONFIG_ERROR, outcome.reason)
                raise outcome.error
            if outcome.state == TrialState.FAIL:
                trial.set_user_attr(REASON, outcome.reason)
        except UpdateFinishedTrialError:
            return False
        return tell(study, trial.number, outcome.state, outcome.value)

    def _show(self, trial: Trial) -> None:
        of_stage = unwrapped(trial.study).get_trials(deepcopy=False)
        shown = of_stage[trial.number]
        self._show_trial(shown, comparable(self._study, shown, of_stage), self._study.directions)
        trials = of_stage if Attempt(trial).stage is None else self._study.get_trials(deepcopy=False)
        check_failure_rate(count(trials), self._limits.max_failure_rate, self._limits.before, trials)

    def _forget(self, number: int) -> None:
        self._heartbeats.remove(number)
        del self._running[number]

    def _requeue_running(self) -> None:
        for number in list(self._running):
            requeue(unwrapped(self._running[number].study), number)
            self._forget(number)
